import { Group, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { $api } from '../../common/api/client';
import { byCursor } from '../../common/api/queries';
import { Amount } from '../../common/money/Amount';
import { type Days, Period } from '../../common/money/Period';
import { Statement } from '../../common/money/Statement';
import { Answer, Lines } from '../../common/ui/Answer';
import { More } from '../../common/ui/More';
import { PageTitle } from '../../common/ui/PageTitle';
import { Panel } from '../../common/ui/Panel';

/** My money, and what it is made of. */
export function Balance() {
  const { t } = useTranslation();
  const [days, setDays] = useState<Days>({ from: '', to: '' });
  const query = $api.useQuery('get', '/api/portal/balance');
  return (
    <Stack gap="sm">
      <PageTitle title={t('place.balance')} />
      <div className="panel">
        <Answer query={query} skeleton={<Lines count={1} height={44} />}>
          {(balance) => (
            <Group gap="xl" align="baseline">
              <Text size="xl" fw={700} style={{ fontSize: 34 }}>
                <Amount minor={balance.balance_minor} currency={balance.currency} />
              </Text>
              {balance.held_minor > 0 && (
                <Text c="dimmed">
                  {t('customer.held')} <Amount minor={balance.held_minor} currency={balance.currency} /> ·{' '}
                  {t('customer.available')} <Amount minor={balance.available_minor} currency={balance.currency} />
                  <br />
                  {t('balance.held_why')}
                </Text>
              )}
            </Group>
          )}
        </Answer>
      </div>
      <Panel title={t('statement.title')} flush>
        <Period days={days} onChange={setDays} />
        <Transfers days={days} />
      </Panel>
    </Stack>
  );
}

function Transfers({ days }: { days: Days }) {
  const query = $api.useInfiniteQuery(
    'get',
    '/api/portal/transfers',
    { params: { query: { limit: 50, ...(days.from && { from: days.from }), ...(days.to && { to: days.to }) } } },
    byCursor,
  );
  const { data: balance } = $api.useQuery('get', '/api/portal/balance');
  return (
    <Answer query={query} skeleton={<Lines count={5} />}>
      {({ pages }) => (
        <Statement statement={pages} held={days.to ? 0 : balance?.held_minor} rest={<More query={query} />} />
      )}
    </Answer>
  );
}
