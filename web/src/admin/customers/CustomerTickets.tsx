import { Button, Stack } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useTranslation } from 'react-i18next';
import { useLocation } from 'wouter';
import { $api, answerOf, api } from '../../common/api/client';
import { byCursor } from '../../common/api/queries';
import type { CustomerView } from '../../common/api/schema';
import { BeginConversation } from '../../common/conversation/BeginConversation';
import { ConversationLinks } from '../../common/conversation/ConversationLinks';
import { Answer, Lines } from '../../common/ui/Answer';
import { Dialog } from '../../common/ui/Dialog';
import { More } from '../../common/ui/More';
import { Nothing } from '../../common/ui/Nothing';
import { Panel } from '../../common/ui/Panel';

/** A customer's conversations, and the way to begin one. */
export function CustomerTickets({ customer }: { customer: CustomerView }) {
  const { t } = useTranslation();
  const [, go] = useLocation();
  const [beginning, begin] = useDisclosure();
  const query = $api.useInfiniteQuery(
    'get',
    '/api/admin/customers/{customer_id}/tickets',
    { params: { path: { customer_id: customer.id }, query: { limit: 5 } } },
    byCursor,
  );
  return (
    <Panel title={t('place.tickets')} flush wide>
      <Answer query={query} skeleton={<Lines count={3} />}>
        {({ pages }) => {
          const tickets = pages.flatMap((part) => part.items);
          if (!tickets.length) return <Nothing>{t('chat.none')}</Nothing>;
          return <ConversationLinks tickets={tickets} />;
        }}
      </Answer>
      <More query={query} />
      <Stack p="sm">
        <Button variant="light" onClick={begin.open}>
          {t('chat.begin')}
        </Button>
      </Stack>
      {beginning && (
        <Dialog onClose={begin.close} title={t('chat.begin')}>
          <BeginConversation
            onCancel={begin.close}
            onBegun={(ticketId) => go(`/tickets/${ticketId}`)}
            begin={(body, key) =>
              answerOf(
                api.POST('/api/admin/customers/{customer_id}/tickets', {
                  params: { path: { customer_id: customer.id }, header: { 'Idempotency-Key': key } },
                  body,
                }),
              )
            }
          />
        </Dialog>
      )}
    </Panel>
  );
}
