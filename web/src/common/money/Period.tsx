import { Group, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';

export interface Days {
  from: string;
  to: string;
}

/** The first and the last day of a statement, either of them open. */
export function Period({ days, onChange }: { days: Days; onChange: (days: Days) => void }) {
  const { t } = useTranslation();
  return (
    <Group gap="sm" p="sm">
      <TextInput
        type="date"
        label={t('statement.from')}
        value={days.from}
        max={days.to || undefined}
        onChange={(event) => onChange({ ...days, from: event.currentTarget.value })}
      />
      <TextInput
        type="date"
        label={t('statement.to')}
        value={days.to}
        min={days.from || undefined}
        onChange={(event) => onChange({ ...days, to: event.currentTarget.value })}
      />
    </Group>
  );
}
