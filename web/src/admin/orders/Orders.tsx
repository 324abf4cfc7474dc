import { Group, NativeSelect, Stack, TextInput } from '@mantine/core';
import { keepPreviousData } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'wouter';
import { $api } from '../../common/api/client';
import { byCursor } from '../../common/api/queries';
import type { OrderStatus } from '../../common/api/schema';
import { OrderList } from '../../common/order/OrderList';
import { Answer, Lines } from '../../common/ui/Answer';
import { SearchIcon } from '../../common/ui/icons';
import { More } from '../../common/ui/More';
import { Nothing } from '../../common/ui/Nothing';
import { PageTitle } from '../../common/ui/PageTitle';
import { changed, useTyped } from '../../common/ui/useTyped';

const STATUSES: OrderStatus[] = [
  'awaiting_payment',
  'awaiting_additional_payment',
  'paid',
  'in_handling',
  'ready_to_ship',
  'shipped',
  'completed',
  'cancelled',
];

/** All orders, newest first, to be searched. */
export function Orders() {
  const { t } = useTranslation();
  const [search, setSearch] = useSearchParams();
  const { typed, wanted, type } = useTyped('q');
  const status = STATUSES.find((known) => known === search.get('status'));
  const query = $api.useInfiniteQuery(
    'get',
    '/api/admin/orders',
    { params: { query: { limit: 50, ...(wanted && { q: wanted }), ...(status && { status }) } } },
    {
      ...byCursor,
      placeholderData: keepPreviousData,
    },
  );
  return (
    <Stack gap="sm">
      <PageTitle title={t('place.orders')} />
      <Group gap="sm" align="flex-end">
        <TextInput
          type="search"
          style={{ flex: '1 1 260px' }}
          label={t('orders.search')}
          placeholder={t('orders.search_hint')}
          leftSection={<SearchIcon />}
          maxLength={200}
          value={typed}
          onChange={(event) => type(event.currentTarget.value)}
        />
        <NativeSelect
          label={t('order.status')}
          value={status ?? ''}
          onChange={(event) => setSearch(changed(search, 'status', event.currentTarget.value))}
          data={[
            { value: '', label: t('orders.any_status') },
            ...STATUSES.map((value) => ({ value, label: t(`status.${value}`) })),
          ]}
        />
      </Group>
      <div className="panel flush" aria-busy={query.isPlaceholderData}>
        <Answer query={query} skeleton={<Lines count={10} />}>
          {({ pages }) => {
            const orders = pages.flatMap((part) => part.items);
            if (!orders.length) return <Nothing>{t(wanted || status ? 'orders.none_found' : 'orders.none')}</Nothing>;
            return <OrderList orders={orders} withCustomer />;
          }}
        </Answer>
        <More query={query} />
      </div>
    </Stack>
  );
}
