import { Button, Group, Stack } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { $api } from '../../common/api/client';
import type { OrderPage } from '../../common/api/schema';
import { ItemCounts } from '../../common/order/ItemCounts';
import { ItemsTable } from '../../common/order/ItemsTable';
import { OrderSkeleton } from '../../common/order/OrderSkeleton';
import { Sums } from '../../common/order/Sums';
import { askWhileUnavailable, Unavailable } from '../../common/order/Unavailable';
import { Answer } from '../../common/ui/Answer';
import { PageTitle } from '../../common/ui/PageTitle';
import { Status } from '../../common/ui/Status';
import { OrderActs } from '../Acts';
import { CancelOrder } from './CancelOrder';
import { CustomerPanel } from './CustomerPanel';
import { Findings } from './Findings';
import { ItemActions } from './ItemActions';

/** An order whole, on one page. */
export function Order({ number }: { number: string }) {
  const query = $api.useQuery(
    'get',
    '/api/admin/orders/{number}',
    { params: { path: { number } } },
    { refetchInterval: askWhileUnavailable },
  );
  return (
    <Answer query={query} skeleton={<OrderSkeleton />}>
      {(page) => <Whole page={page} refresh={async () => (await query.refetch()).data} />}
    </Answer>
  );
}

function Whole({ page, refresh }: { page: OrderPage; refresh: () => Promise<OrderPage | undefined> }) {
  const { t } = useTranslation();
  const show = useShowPage();
  const [cancelling, setCancelling] = useState(false);
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <Group gap="sm">
          <PageTitle title={page.number} />
          <Status of={page.status} pill />
        </Group>
        {page.actions.includes('cancel') && (
          <Button variant="default" size="sm" onClick={() => setCancelling(true)}>
            {t('cancel.action')}
          </Button>
        )}
      </Group>
      <Findings page={page} />
      <Unavailable page={page} />
      <div className="order-grid">
        <Sums page={page} />
        <ItemCounts counts={page.item_counts} />
        <CustomerPanel page={page} refresh={refresh} />
      </div>
      <ItemsTable page={page} actions={(item) => <ItemActions page={page} item={item} show={show} />} />
      <OrderActs number={page.number} currency={page.currency} />
      {cancelling && <CancelOrder page={page} show={show} onClose={() => setCancelling(false)} />}
    </Stack>
  );
}

/** A change's answer is the page as it is now. */
function useShowPage(): (page: OrderPage) => void {
  const client = useQueryClient();
  return (page) => {
    const params = { path: { number: page.number } };
    client.setQueryData($api.queryOptions('get', '/api/admin/orders/{number}', { params }).queryKey, page);
    void client.invalidateQueries({
      queryKey: $api.queryOptions('get', '/api/admin/orders/{number}/acts', { params }).queryKey,
    });
  };
}
