import { Button, Group, Stack, Textarea, UnstyledButton } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useIntent } from '../api/intent';
import { fieldErrors } from '../api/problem';
import { ProblemNote } from '../ui/ProblemNote';
import { useAddMessage } from './useConversation';

const LONGEST = 10_000;

// What was typed and neither added nor given up, though its conversation was left.
const drafts = new Map<string, string>();

/** A link that opens a field for a message; what is typed stays until it was added or given up. */
export function AddComment({ ticketId }: { ticketId: string }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(drafts.has(ticketId));
  const link = useRef<HTMLButtonElement>(null);
  const wasOpen = useRef(false);
  useEffect(() => {
    if (wasOpen.current && !open) link.current?.focus();
    wasOpen.current = open;
  }, [open]);
  const leave = () => {
    drafts.delete(ticketId);
    setOpen(false);
  };
  if (open) return <CommentForm ticketId={ticketId} leave={leave} />;
  return (
    <UnstyledButton ref={link} className="add-comment" onClick={() => setOpen(true)} style={{ alignSelf: 'start' }}>
      {t('conversation.add_comment')}
    </UnstyledButton>
  );
}

function CommentForm({ ticketId, leave }: { ticketId: string; leave: () => void }) {
  const { t } = useTranslation();
  const [text, setText] = useState(drafts.get(ticketId) ?? '');
  const [missing, setMissing] = useState(false);
  const intent = useIntent();
  const adding = useAddMessage(ticketId);

  function add(): void {
    if (!text.trim()) setMissing(true);
    else adding.mutate({ text, key: intent.keyFor([ticketId, text]) }, { onSuccess: leave });
  }

  const wrong = missing ? t('conversation.text_missing') : fieldErrors(adding.error).text;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        add();
      }}
    >
      <Stack gap="xs">
        <Textarea
          label={t('conversation.comment')}
          description={t('conversation.keys')}
          autosize
          minRows={3}
          maxRows={12}
          maxLength={LONGEST}
          autoFocus
          value={text}
          error={wrong}
          readOnly={adding.isPending}
          onChange={(event) => {
            setMissing(false);
            setText(event.currentTarget.value);
            drafts.set(ticketId, event.currentTarget.value);
          }}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) add();
            if (event.key === 'Escape' && !text) {
              event.stopPropagation();
              leave();
            }
          }}
        />
        {adding.error && !wrong && <ProblemNote error={adding.error} />}
        <Group gap="xs">
          <Button type="submit" loading={adding.isPending}>
            {t('action.add')}
          </Button>
          <Button variant="default" disabled={adding.isPending} onClick={leave}>
            {t('action.cancel')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
