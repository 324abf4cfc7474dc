import { Stack, Text, Textarea } from '@mantine/core';
import { useForm } from '@mantine/form';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { $api, answerOf, api } from '../../common/api/client';
import { useIntent } from '../../common/api/intent';
import { fieldErrors } from '../../common/api/problem';
import type { HoldView, MoneyMoved } from '../../common/api/schema';
import { useMoney } from '../../common/money/Amount';
import { AmountInput } from '../../common/money/AmountInput';
import { parseMoney } from '../../common/money/money';
import { useLocale } from '../../common/text/useLocale';
import { Dialog } from '../../common/ui/Dialog';
import { FormButtons } from '../../common/ui/FormButtons';
import { ProblemNote, useProblemText } from '../../common/ui/ProblemNote';

// What the server refuses by these codes is about the amount.
const aboutAmount = { insufficient_funds: 'amount', balance_too_large: 'amount', amount_minor: 'amount' };

/** Deposit to, or withdraw from, a customer's balance. */
export function MoveMoney({
  kind,
  customer,
  currency,
  available,
  onClose,
}: {
  kind: 'deposit' | 'withdraw';
  customer: { id: string; name: string };
  currency: string;
  available: number | null;
  onClose: () => void;
}) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const locale = useLocale();
  const money = useMoney(currency);
  const intent = useIntent();
  const textOf = useProblemText();
  const limit = $api.useQuery(
    'get',
    '/api/admin/customers/{customer_id}/withdrawal-limit',
    { params: { path: { customer_id: customer.id } } },
    { enabled: kind === 'withdraw' },
  ).data;
  const read = (typed: string) => parseMoney(typed, currency, locale);

  const form = useForm({
    initialValues: { amount: '', note: '', staff_note: '' },
    validateInputOnBlur: ['amount'],
    validate: {
      amount(typed) {
        const minor = read(typed);
        if (minor === null || minor === 0) return t('money.not_an_amount');
        if (kind === 'withdraw' && available !== null && minor > available)
          return t('money.too_much', { available: money(available) });
        return null;
      },
    },
  });
  const moving = useMutation({
    mutationFn(said: typeof form.values) {
      const body = {
        amount_minor: read(said.amount) as number,
        currency,
        note: said.note.trim() || null,
        staff_note: said.staff_note.trim() || null,
      };
      const header = { 'Idempotency-Key': intent.keyFor(body) };
      const asked = { params: { path: { customer_id: customer.id }, header }, body };
      return answerOf<MoneyMoved | HoldView>(
        kind === 'deposit'
          ? api.POST('/api/admin/customers/{customer_id}/deposits', asked)
          : api.POST('/api/admin/customers/{customer_id}/withdrawals', asked),
      );
    },
    onSuccess(moved) {
      const waits = 'state' in moved;
      notifications.show({
        color: waits ? 'blue' : 'green',
        message: waits
          ? t('money.withdraw_waits', { amount: money(moved.amount_minor) })
          : t(`money.${kind}_done`, { balance: money(moved.balance_minor) }),
      });
      onClose();
      void client.invalidateQueries();
    },
    onError(error) {
      const { amount_minor, ...errors } = fieldErrors(error, aboutAmount, textOf);
      form.setErrors({ ...errors, ...(amount_minor && { amount: amount_minor }) });
    },
  });
  const minor = read(form.values.amount);
  const waits = limit !== undefined && minor !== null && minor > limit.at_once_minor;
  const isAtField = Object.keys(form.errors).length > 0;

  return (
    <Dialog busy={moving.isPending} onClose={onClose} title={t(`money.${kind}_title`, { name: customer.name })}>
      <form noValidate onSubmit={form.onSubmit((said) => moving.mutate(said))}>
        <Stack>
          {available !== null && <Text size="sm">{t('money.available', { available: money(available) })}</Text>}
          <AmountInput label={t('money.amount')} currency={currency} data-autofocus {...form.getInputProps('amount')} />
          {limit && (available === null || available > limit.at_once_minor) && (
            <Text size="sm" fw={waits ? 600 : undefined} role="status">
              {t(waits ? 'money.will_wait' : 'money.at_once', { limit: money(limit.at_once_minor) })}
            </Text>
          )}
          <Textarea
            label={t('money.note')}
            description={t('money.note_why')}
            maxLength={500}
            autosize
            {...form.getInputProps('note')}
          />
          <Textarea
            label={t('money.staff_note')}
            description={t('money.staff_note_why')}
            maxLength={500}
            autosize
            {...form.getInputProps('staff_note')}
          />
          {moving.error && !isAtField && <ProblemNote error={moving.error} />}
          <FormButtons busy={moving.isPending} onCancel={onClose}>
            {t(waits ? 'money.ask_withdrawal' : `money.${kind}`)} {minor ? money(minor) : ''}
          </FormButtons>
        </Stack>
      </form>
    </Dialog>
  );
}
