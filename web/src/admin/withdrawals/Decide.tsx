import { Button, Group, Stack, Text, Textarea } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { answerOf, api } from '../../common/api/client';
import { useIntent } from '../../common/api/intent';
import type { NamedHold } from '../../common/api/schema';
import { useMoney } from '../../common/money/Amount';
import { Dialog } from '../../common/ui/Dialog';
import { ProblemNote } from '../../common/ui/ProblemNote';

export type Decision = NamedHold['actions'][number];

const paths = {
  approve: '/api/admin/holds/{hold_id}/approval',
  refuse: '/api/admin/holds/{hold_id}/refusal',
} as const;

/** "Approve this withdrawal?" or "Refuse it?", Yes or No. */
export function Decide({ decision, hold, onClose }: { decision: Decision; hold: NamedHold; onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const intent = useIntent();
  const amount = useMoney(hold.currency)(hold.amount_minor);
  const [note, setNote] = useState('');
  const deciding = useMutation({
    mutationFn() {
      const body = { note: note.trim() || null };
      const header = { 'Idempotency-Key': intent.keyFor(body) };
      return answerOf(api.POST(paths[decision], { params: { path: { hold_id: hold.id }, header }, body }));
    },
    onSuccess() {
      notifications.show({ color: 'green', message: t(`holds.${decision}_done`, { amount }) });
      onClose();
      void client.invalidateQueries();
    },
  });
  return (
    <Dialog busy={deciding.isPending} onClose={onClose} title={t(`holds.${decision}_title`)}>
      <Stack>
        <Text>
          {t(`holds.${decision}_question`, { amount, name: hold.customer_name ?? t('customer.name_unknown') })}
        </Text>
        <Text size="sm">{t('holds.asked_by', { login: hold.asked_by })}</Text>
        <Textarea
          label={t('money.staff_note')}
          description={t('money.staff_note_why')}
          autosize
          maxLength={500}
          value={note}
          onChange={(event) => setNote(event.currentTarget.value)}
        />
        {deciding.error && <ProblemNote error={deciding.error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" disabled={deciding.isPending} onClick={onClose}>
            {t('pay.no')}
          </Button>
          <Button data-autofocus loading={deciding.isPending} onClick={() => deciding.mutate()}>
            {t('pay.yes')}
          </Button>
        </Group>
      </Stack>
    </Dialog>
  );
}
