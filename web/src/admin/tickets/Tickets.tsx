import { SegmentedControl, Stack } from '@mantine/core';
import { keepPreviousData } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'wouter';
import { $api } from '../../common/api/client';
import { byCursor } from '../../common/api/queries';
import { ConversationLinks } from '../../common/conversation/ConversationLinks';
import { Answer, Lines } from '../../common/ui/Answer';
import { More } from '../../common/ui/More';
import { Nothing } from '../../common/ui/Nothing';
import { PageTitle } from '../../common/ui/PageTitle';
import { changed } from '../../common/ui/useTyped';

/** Conversations of the whole shop: those that wait for staff first. */
export function Tickets() {
  const { t } = useTranslation();
  const [search, setSearch] = useSearchParams();
  const all = search.get('show') === 'all';
  const query = $api.useInfiniteQuery(
    'get',
    '/api/admin/tickets',
    { params: { query: { limit: 50, ...(!all && { new: true }) } } },
    {
      ...byCursor,
      placeholderData: keepPreviousData,
    },
  );
  return (
    <Stack gap="sm">
      <PageTitle title={t('place.tickets')} />
      <SegmentedControl
        aria-label={t('tickets.which')}
        style={{ alignSelf: 'flex-start' }}
        value={all ? 'all' : 'new'}
        onChange={(which) => setSearch(changed(search, 'show', which === 'all' ? 'all' : ''))}
        data={[
          { value: 'new', label: t('tickets.show_new') },
          { value: 'all', label: t('tickets.show_all') },
        ]}
      />
      <div className="panel flush" aria-busy={query.isPlaceholderData}>
        <Answer query={query} skeleton={<Lines count={8} />}>
          {({ pages }) => {
            const tickets = pages.flatMap((part) => part.items);
            if (!tickets.length) return <Nothing>{t(all ? 'tickets.none' : 'tickets.none_new')}</Nothing>;
            return <ConversationLinks tickets={tickets} />;
          }}
        </Answer>
        <More query={query} />
      </div>
    </Stack>
  );
}
