import { Button, Group, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useTranslation } from 'react-i18next';
import { $api, answerOf, api } from '../../common/api/client';
import type { OrderPage } from '../../common/api/schema';
import { whyNotPay } from '../../common/order/figures';
import { ItemCounts } from '../../common/order/ItemCounts';
import { ItemsTable } from '../../common/order/ItemsTable';
import { OrderSkeleton } from '../../common/order/OrderSkeleton';
import { PayQuestion } from '../../common/order/PayQuestion';
import { Sums } from '../../common/order/Sums';
import { askWhileUnavailable, Unavailable } from '../../common/order/Unavailable';
import { Answer } from '../../common/ui/Answer';
import { ChatIcon } from '../../common/ui/icons';
import { PageTitle } from '../../common/ui/PageTitle';
import { Status } from '../../common/ui/Status';
import { AcceptPrice } from './AcceptPrice';
import { AskAboutOrder } from './AskAboutOrder';
import { MyMoney } from './MyMoney';

/** My order: what it costs, where it is, and what I can do. */
export function Order({ number }: { number: string }) {
  const query = $api.useQuery(
    'get',
    '/api/portal/orders/{number}',
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
  const [asking, ask] = useDisclosure();
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <Group gap="sm">
          <PageTitle title={page.number} />
          <Status of={page.status} pill />
        </Group>
        <Group gap="xs">
          <Button variant="default" leftSection={<ChatIcon />} onClick={ask.open}>
            {t('ask.action')}
          </Button>
          <Pay page={page} refresh={refresh} />
        </Group>
      </Group>
      <Unavailable page={page} />
      <div className="order-grid">
        <Sums page={page} />
        <ItemCounts counts={page.item_counts} />
        <MyMoney page={page} />
      </div>
      <ItemsTable
        page={page}
        actions={(item) => item.actions.includes('accept_price') && <AcceptPrice page={page} item={item} />}
      />
      {asking && <AskAboutOrder number={page.number} onClose={ask.close} />}
    </Stack>
  );
}

function Pay({ page, refresh }: { page: OrderPage; refresh: () => Promise<OrderPage | undefined> }) {
  const { t } = useTranslation();
  const [paying, question] = useDisclosure();
  const why = whyNotPay(page);
  if (!paying && why === 'nothing_remains') return null;
  return (
    <>
      {why && why !== 'nothing_remains' && (
        <Text size="sm" id="why-not-pay">
          {t(`pay.why_not.${why}`)}
        </Text>
      )}
      <Button disabled={why !== null} aria-describedby={why ? 'why-not-pay' : undefined} onClick={question.open}>
        {t('pay.from_balance')}
      </Button>
      {paying && (
        <PayQuestion
          page={page}
          refresh={refresh}
          onClose={question.close}
          pay={(body, key) =>
            answerOf(
              api.POST('/api/portal/orders/{number}/payments', {
                params: { path: { number: page.number }, header: { 'Idempotency-Key': key } },
                body,
              }),
            )
          }
        />
      )}
    </>
  );
}
