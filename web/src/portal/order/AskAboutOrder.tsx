import { Stack } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { $api } from '../../common/api/client';
import { BeginConversation } from '../../common/conversation/BeginConversation';
import { Conversation } from '../../common/conversation/Conversation';
import { Answer } from '../../common/ui/Answer';
import { Side } from '../../common/ui/Dialog';
import { begin } from '../tickets/begin';

/** The conversation about this order, or the form that begins it. */
export function AskAboutOrder({ number, onClose }: { number: string; onClose: () => void }) {
  const { t } = useTranslation();
  const [begun, setBegun] = useState<string | null>(null);
  const query = $api.useQuery('get', '/api/portal/tickets', { params: { query: { limit: 100 } } });
  return (
    <Side onClose={onClose} title={t('conversation.about_order', { number })}>
      <Answer query={query}>
        {({ items }) => {
          const ticketId = begun ?? items.find((ticket) => ticket.order_number === number)?.id;
          return (
            <Stack>
              {ticketId ? (
                <Conversation ticketId={ticketId} />
              ) : (
                <BeginConversation orderNumber={number} begin={begin} onBegun={setBegun} onCancel={onClose} />
              )}
            </Stack>
          );
        }}
      </Answer>
    </Side>
  );
}
