import { Button, Group, Stack } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useTranslation } from 'react-i18next';
import { useLocation } from 'wouter';
import { $api } from '../../common/api/client';
import { byCursor } from '../../common/api/queries';
import { BeginConversation } from '../../common/conversation/BeginConversation';
import { ConversationLinks } from '../../common/conversation/ConversationLinks';
import { Answer, Lines } from '../../common/ui/Answer';
import { Dialog } from '../../common/ui/Dialog';
import { More } from '../../common/ui/More';
import { Nothing } from '../../common/ui/Nothing';
import { PageTitle } from '../../common/ui/PageTitle';
import { begin } from './begin';

/** My conversations with the shop. */
export function Tickets() {
  const { t } = useTranslation();
  const [, go] = useLocation();
  const [beginning, form] = useDisclosure();
  const query = $api.useInfiniteQuery('get', '/api/portal/tickets', { params: { query: { limit: 20 } } }, byCursor);
  return (
    <Stack gap="sm" maw={820}>
      <Group justify="space-between">
        <PageTitle title={t('place.my_tickets')} />
        <Button onClick={form.open}>{t('ask.write')}</Button>
      </Group>
      <div className="panel flush">
        <Answer query={query} skeleton={<Lines count={5} />}>
          {({ pages }) => {
            const tickets = pages.flatMap((part) => part.items);
            if (!tickets.length) return <Nothing>{t('ask.none')}</Nothing>;
            return <ConversationLinks tickets={tickets} />;
          }}
        </Answer>
        <More query={query} />
      </div>
      {beginning && (
        <Dialog onClose={form.close} title={t('ask.write')}>
          <BeginConversation begin={begin} onBegun={(id) => go(`/tickets/${id}`)} onCancel={form.close} />
        </Dialog>
      )}
    </Stack>
  );
}
