import { Alert, Button, Group, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useIntent } from '../api/intent';
import { codeOf } from '../api/problem';
import type { OrderPage, PayForOrder, PaymentView } from '../api/schema';
import { useMoney } from '../money/Amount';
import { Dialog } from '../ui/Dialog';
import { ProblemNote } from '../ui/ProblemNote';
import { type Figures, figuresOf } from './figures';

// The person decided on figures that hold no more: show the new ones and ask again.
const OUT_OF_DATE = ['amount_changed', 'insufficient_funds', 'nothing_to_pay'];

/** "Pay for order?", Yes or No. `pay` goes to billing, `refresh` gives the page as it is now. */
export function PayQuestion({
  page,
  pay,
  refresh,
  onClose,
}: {
  page: OrderPage;
  pay: (body: PayForOrder, key: string) => Promise<PaymentView>;
  refresh: () => Promise<OrderPage | undefined>;
  onClose: () => void;
}) {
  const { t } = useTranslation();
  const money = useMoney(page.currency);
  const intent = useIntent();
  const [asked, setAsked] = useState(figuresOf(page));
  const [changed, setChanged] = useState(false);
  const paying = useMutation({
    mutationFn: (body: PayForOrder) => pay(body, intent.keyFor(body)),
    onSuccess(paid) {
      notifications.show({
        color: 'green',
        message: t('pay.done', { amount: money(paid.paid_minor), number: page.number }),
      });
      onClose();
      void refresh();
    },
    async onError(error) {
      if (!OUT_OF_DATE.includes(codeOf(error) ?? '')) return;
      const now = await refresh();
      setChanged(true);
      if (now) setAsked(figuresOf(now));
    },
  });
  const isOutOfDate = OUT_OF_DATE.includes(codeOf(paying.error) ?? '');
  const yes = (figures: Figures) =>
    paying.mutate({ expected_remaining_minor: figures.remaining, amount_minor: figures.amount });

  return (
    <Dialog busy={paying.isPending} onClose={onClose} title={t('pay.title', { number: page.number })}>
      <Stack>
        {changed && <Alert color="yellow" variant="outline" role="alert" title={t('pay.changed')} />}
        {asked && <Question asked={asked} money={money} />}
        {paying.error && !isOutOfDate && <ProblemNote error={paying.error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" disabled={paying.isPending} onClick={onClose}>
            {t('pay.no')}
          </Button>
          {asked && asked.amount > 0 && (
            <Button data-autofocus loading={paying.isPending} onClick={() => yes(asked)}>
              {t('pay.yes')}
            </Button>
          )}
        </Group>
      </Stack>
    </Dialog>
  );
}

function Question({ asked, money }: { asked: Figures; money: (minor: number) => string }) {
  const { t } = useTranslation();
  if (asked.remaining === 0) return <Text>{t('pay.why_not.nothing_remains')}</Text>;
  if (asked.amount === 0) return <Text>{t('pay.why_not.nothing_available')}</Text>;
  return (
    <>
      <Text>{t('pay.question', { amount: money(asked.amount) })}</Text>
      {asked.amount < asked.remaining && (
        <Text fw={600}>
          {t('pay.partly', {
            available: money(asked.available),
            remaining: money(asked.remaining),
            left: money(asked.remaining - asked.amount),
          })}
        </Text>
      )}
    </>
  );
}
