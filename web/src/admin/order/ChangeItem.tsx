import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type ChangeEvent, type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { answerOf, api } from '../../common/api/client';
import { fieldErrors } from '../../common/api/problem';
import type { AmendItem, ItemView, OrderPage } from '../../common/api/schema';
import { AmountInput } from '../../common/money/AmountInput';
import { parseMoney, toTyped } from '../../common/money/money';
import { useLocale } from '../../common/text/useLocale';
import { Dialog } from '../../common/ui/Dialog';
import { ProblemNote } from '../../common/ui/ProblemNote';
import { Status } from '../../common/ui/Status';
import type { Change } from './ItemActions';

const MOST_PIECES = 1_000_000;

/** Set an item's price, quantity or status; the answer is the page as it is then. */
export function ChangeItem({
  page,
  item,
  change,
  show,
  onClose,
}: {
  page: OrderPage;
  item: ItemView;
  change: Change;
  show: (page: OrderPage) => void;
  onClose: () => void;
}) {
  const { t } = useTranslation();
  const changing = useMutation({
    mutationFn: (body: AmendItem) =>
      answerOf(
        api.PATCH('/api/admin/orders/{number}/items/{line}', {
          params: { path: { number: page.number, line: item.line } },
          body,
        }),
      ),
    onSuccess(changed) {
      show(changed);
      onClose();
    },
  });
  const said = fieldErrors(changing.error);
  const atField = said.unit_price_minor ?? said.quantity;
  const field = { page, item, error: atField, change: changing.mutate };
  return (
    <Dialog
      busy={changing.isPending}
      onClose={onClose}
      title={t('item.change_title', { line: item.line, title: item.title })}
    >
      <Stack>
        {change === 'price' && <Price {...field} />}
        {change === 'quantity' && <Quantity {...field} />}
        {change !== 'price' && change !== 'quantity' && (
          <form
            id="change-item"
            onSubmit={(event) => {
              event.preventDefault();
              changing.mutate({ status: change });
            }}
          >
            <Group>
              <Status of={item.status} />
              <Text aria-hidden>→</Text>
              <Status of={change} />
            </Group>
          </form>
        )}
        {changing.error && !atField && <ProblemNote error={changing.error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" disabled={changing.isPending} onClick={onClose}>
            {t('action.cancel')}
          </Button>
          <Button
            type="submit"
            form="change-item"
            data-autofocus={change !== 'price' && change !== 'quantity' ? true : undefined}
            loading={changing.isPending}
          >
            {t('action.save')}
          </Button>
        </Group>
      </Stack>
    </Dialog>
  );
}

interface Field {
  page: OrderPage;
  item: ItemView;
  error: string | undefined;
  change: (body: AmendItem) => void;
}

function Price({ page, item, error, change }: Field) {
  const { t } = useTranslation();
  const locale = useLocale();
  return (
    <OneField
      begin={toTyped(item.unit_price_minor, page.currency, locale)}
      save={(typed) => {
        const unit_price_minor = parseMoney(typed, page.currency, locale);
        if (unit_price_minor === null) return t('money.not_an_amount');
        change({ unit_price_minor });
        return null;
      }}
    >
      {(input) => (
        <AmountInput label={t('item.unit_price')} currency={page.currency} {...input} error={input.error ?? error} />
      )}
    </OneField>
  );
}

function Quantity({ item, error, change }: Field) {
  const { t } = useTranslation();
  return (
    <OneField
      begin={String(item.quantity)}
      save={(typed) => {
        const quantity = /^\d{1,7}$/.test(typed.trim()) ? Number(typed) : 0;
        if (quantity < 1 || quantity > MOST_PIECES) return t('item.not_a_quantity');
        change({ quantity });
        return null;
      }}
    >
      {(input) => <TextInput label={t('item.quantity')} inputMode="numeric" {...input} error={input.error ?? error} />}
    </OneField>
  );
}

interface Input {
  value: string;
  error: string | null;
  onChange: (event: ChangeEvent<HTMLInputElement>) => void;
  'data-autofocus': true;
}

/** A form of one field; `save` says what is wrong with what was typed, if anything. */
function OneField({
  begin,
  save,
  children,
}: {
  begin: string;
  save: (typed: string) => string | null;
  children: (input: Input) => ReactNode;
}) {
  const [value, setValue] = useState(begin);
  const [error, setError] = useState<string | null>(null);
  return (
    <form
      id="change-item"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        setError(save(value));
      }}
    >
      {children({
        value,
        error,
        onChange(event) {
          setError(null);
          setValue(event.currentTarget.value);
        },
        'data-autofocus': true,
      })}
    </form>
  );
}
