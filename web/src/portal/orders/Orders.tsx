import { SegmentedControl, Stack } from '@mantine/core';
import { keepPreviousData } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'wouter';
import { $api } from '../../common/api/client';
import { byCursor } from '../../common/api/queries';
import type { OrderGroup } from '../../common/api/schema';
import { OrderList } from '../../common/order/OrderList';
import { Answer, Lines } from '../../common/ui/Answer';
import { More } from '../../common/ui/More';
import { Nothing } from '../../common/ui/Nothing';
import { PageTitle } from '../../common/ui/PageTitle';
import { changed } from '../../common/ui/useTyped';

const GROUPS: OrderGroup[] = ['awaiting_payment', 'active', 'completed', 'cancelled'];

/** My orders, by what I would look for. */
export function Orders() {
  const { t } = useTranslation();
  const [search, setSearch] = useSearchParams();
  const group = GROUPS.find((known) => known === search.get('group')) ?? 'awaiting_payment';
  const query = $api.useInfiniteQuery(
    'get',
    '/api/portal/orders',
    { params: { query: { group, limit: 20 } } },
    {
      ...byCursor,
      placeholderData: keepPreviousData,
    },
  );
  return (
    <Stack gap="sm">
      <PageTitle title={t('place.my_orders')} />
      <div style={{ overflowX: 'auto' }}>
        <SegmentedControl
          aria-label={t('orders.which')}
          value={group}
          onChange={(wanted) => setSearch(changed(search, 'group', wanted))}
          data={GROUPS.map((value) => ({ value, label: t(`group.${value}`) }))}
        />
      </div>
      <div className="panel flush" aria-busy={query.isPlaceholderData}>
        <Answer query={query} skeleton={<Lines count={5} />}>
          {({ pages }) => {
            const orders = pages.flatMap((part) => part.items);
            return orders.length ? <OrderList orders={orders} /> : <Nothing>{t(`orders.none_${group}`)}</Nothing>;
          }}
        </Answer>
        <More query={query} />
      </div>
    </Stack>
  );
}
