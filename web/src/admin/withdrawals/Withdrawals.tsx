import { SegmentedControl, Stack } from '@mantine/core';
import { keepPreviousData } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'wouter';
import { $api } from '../../common/api/client';
import { byCursor } from '../../common/api/queries';
import { Answer, Lines } from '../../common/ui/Answer';
import { More } from '../../common/ui/More';
import { Nothing } from '../../common/ui/Nothing';
import { PageTitle } from '../../common/ui/PageTitle';
import { changed } from '../../common/ui/useTyped';
import { HoldList } from './HoldList';

/** Large withdrawals of the whole shop: those that wait for another person, or all. */
export function Withdrawals() {
  const { t } = useTranslation();
  const [search, setSearch] = useSearchParams();
  const all = search.get('show') === 'all';
  const query = $api.useInfiniteQuery(
    'get',
    '/api/admin/holds',
    { params: { query: { limit: 50, ...(!all && { state: 'waiting' }) } } },
    {
      ...byCursor,
      placeholderData: keepPreviousData,
    },
  );
  return (
    <Stack gap="sm">
      <PageTitle title={t('holds.title')} />
      <SegmentedControl
        aria-label={t('holds.which')}
        style={{ alignSelf: 'flex-start' }}
        value={all ? 'all' : 'waiting'}
        onChange={(which) => setSearch(changed(search, 'show', which === 'all' ? 'all' : ''))}
        data={[
          { value: 'waiting', label: t('holds.show_waiting') },
          { value: 'all', label: t('holds.show_all') },
        ]}
      />
      <div className="panel flush" aria-busy={query.isPlaceholderData}>
        <Answer query={query} skeleton={<Lines count={4} />}>
          {({ pages }) => {
            const holds = pages.flatMap((part) => part.items);
            if (!holds.length) return <Nothing>{t(all ? 'holds.none' : 'holds.none_waiting')}</Nothing>;
            return <HoldList holds={holds} />;
          }}
        </Answer>
        <More query={query} />
      </div>
    </Stack>
  );
}
