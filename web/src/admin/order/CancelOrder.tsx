import { Button, Group, Stack, Text, Textarea } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { answerOf, api } from '../../common/api/client';
import type { OrderPage } from '../../common/api/schema';
import { useMoney } from '../../common/money/Amount';
import { Dialog } from '../../common/ui/Dialog';
import { ProblemNote } from '../../common/ui/ProblemNote';

export function CancelOrder({
  page,
  show,
  onClose,
}: {
  page: OrderPage;
  show: (page: OrderPage) => void;
  onClose: () => void;
}) {
  const { t } = useTranslation();
  const money = useMoney(page.currency);
  const [reason, setReason] = useState('');
  const cancelling = useMutation({
    mutationFn: () =>
      answerOf(
        api.POST('/api/admin/orders/{number}/cancellation', {
          params: { path: { number: page.number } },
          body: { reason: reason.trim() || null },
        }),
      ),
    onSuccess(cancelled) {
      show(cancelled);
      onClose();
    },
  });
  return (
    <Dialog busy={cancelling.isPending} onClose={onClose} title={t('cancel.title', { number: page.number })}>
      <Stack>
        <Text>
          {page.paid_minor > 0 ? t('cancel.refund', { amount: money(page.paid_minor) }) : t('cancel.nothing_paid')}
        </Text>
        <Textarea
          label={t('cancel.reason')}
          autosize
          minRows={2}
          maxLength={500}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
        />
        {cancelling.error && <ProblemNote error={cancelling.error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" disabled={cancelling.isPending} onClick={onClose}>
            {t('cancel.keep')}
          </Button>
          <Button color="red.9" loading={cancelling.isPending} onClick={() => cancelling.mutate()}>
            {t('cancel.action')}
          </Button>
        </Group>
      </Stack>
    </Dialog>
  );
}
