import { Button, Group, Stack, Textarea, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { useIntent } from '../api/intent';
import { fieldErrors } from '../api/problem';
import type { BeginTicket, TicketView } from '../api/schema';
import { ProblemNote } from '../ui/ProblemNote';

/** The form that begins a conversation, about an order or about anything. */
export function BeginConversation({
  orderNumber,
  begin,
  onBegun,
  onCancel,
}: {
  orderNumber?: string;
  begin: (body: BeginTicket, key: string) => Promise<TicketView>;
  onBegun: (ticketId: string) => void;
  onCancel: () => void;
}) {
  const { t } = useTranslation();
  const intent = useIntent();
  const form = useForm({
    initialValues: { subject: orderNumber ? t('conversation.about_order', { number: orderNumber }) : '', text: '' },
    validate: {
      subject: (subject) => (subject.trim() ? null : t('conversation.subject_missing')),
      text: (text) => (text.trim() ? null : t('conversation.text_missing')),
    },
  });
  const beginning = useMutation({
    mutationFn: (body: BeginTicket) => begin(body, intent.keyFor(body)),
    onSuccess: ({ ticket }) => onBegun(ticket.id),
    onError: (error) => form.setErrors(fieldErrors(error)),
  });
  return (
    <form
      noValidate
      onSubmit={form.onSubmit((said) =>
        beginning.mutate({ ...said, ...(orderNumber && { order_number: orderNumber }) }),
      )}
    >
      <Stack>
        <TextInput
          label={t('conversation.subject')}
          maxLength={200}
          data-autofocus={!orderNumber || undefined}
          {...form.getInputProps('subject')}
        />
        <Textarea
          label={t('conversation.text')}
          autosize
          minRows={4}
          maxRows={14}
          maxLength={10_000}
          data-autofocus={orderNumber ? true : undefined}
          {...form.getInputProps('text')}
        />
        {beginning.error && <ProblemNote error={beginning.error} />}
        <Group gap="xs">
          <Button type="submit" loading={beginning.isPending}>
            {t('conversation.send')}
          </Button>
          <Button variant="default" disabled={beginning.isPending} onClick={onCancel}>
            {t('action.cancel')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
