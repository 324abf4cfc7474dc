import { TextInput, type TextInputProps } from '@mantine/core';

/** A field for an amount; what is typed stays text until `parseMoney` reads it. */
export function AmountInput({ currency, ...props }: TextInputProps & { currency: string }) {
  return (
    <TextInput
      inputMode="decimal"
      autoComplete="off"
      maxLength={24}
      rightSection={<span aria-hidden>{currency}</span>}
      rightSectionWidth={52}
      {...props}
    />
  );
}
