import { Anchor, Button, Group, Table, Text } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import type { NamedHold } from '../../common/api/schema';
import { Amount } from '../../common/money/Amount';
import { formatMoment } from '../../common/text/dates';
import { Decide, type Decision } from './Decide';

/** Withdrawals that wait or waited, each with what one may do with it. */
export function HoldList({ holds }: { holds: NamedHold[] }) {
  const { t } = useTranslation();
  const [deciding, decide] = useState<{ decision: Decision; hold: NamedHold } | null>(null);
  return (
    <div className="rows">
      <Table>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('order.customer')}</Table.Th>
            <Table.Th className="amount">{t('money.amount')}</Table.Th>
            <Table.Th>{t('holds.asked')}</Table.Th>
            <Table.Th>{t('statement.note')}</Table.Th>
            <Table.Th>{t('holds.state')}</Table.Th>
            <Table.Td />
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {holds.map((hold) => (
            <Row key={hold.id} hold={hold} decide={(decision) => decide({ decision, hold })} />
          ))}
        </Table.Tbody>
      </Table>
      {deciding && <Decide {...deciding} onClose={() => decide(null)} />}
    </div>
  );
}

function Row({ hold, decide }: { hold: NamedHold; decide: (decision: Decision) => void }) {
  const { t } = useTranslation();
  const name = hold.customer_name ?? t('customer.name_unknown');
  return (
    <Table.Tr>
      <Table.Td data-label={t('order.customer')}>
        <Anchor component={Link} href={`/customers/${hold.customer_id}`} fw={600} inherit>
          {name}
        </Anchor>
      </Table.Td>
      <Table.Td className="amount" data-label={t('money.amount')}>
        <Amount minor={hold.amount_minor} currency={hold.currency} />
      </Table.Td>
      <Table.Td data-label={t('holds.asked')}>
        <div>
          {hold.asked_by}
          <Text size="xs" c="dimmed">
            {formatMoment(hold.asked_at)}
          </Text>
        </div>
      </Table.Td>
      <Table.Td data-label={t('statement.note')}>
        {(hold.note || hold.staff_note) && (
          <div>
            {hold.note}
            {hold.staff_note && (
              <Text size="sm" fs="italic">
                {t('statement.staff_note', { note: hold.staff_note })}
              </Text>
            )}
          </div>
        )}
      </Table.Td>
      <Table.Td data-label={t('holds.state')}>
        <State hold={hold} />
      </Table.Td>
      <Table.Td>
        <Group gap="xs" justify="flex-end">
          {hold.actions.map((decision) => (
            <Button
              key={decision}
              size="compact-sm"
              variant={decision === 'approve' ? 'filled' : 'default'}
              aria-label={t(`holds.${decision}_of`, { name })}
              onClick={() => decide(decision)}
            >
              {t(`holds.${decision}`)}
            </Button>
          ))}
        </Group>
      </Table.Td>
    </Table.Tr>
  );
}

function State({ hold }: { hold: NamedHold }) {
  const { t } = useTranslation();
  const at = hold.decided_at ?? hold.expires_at;
  return (
    <div>
      {t(`holds.is.${hold.state}`)} {hold.decided_by}
      <Text size="xs" c="dimmed">
        {hold.state === 'waiting' ? t('holds.until', { at: formatMoment(at) }) : formatMoment(at)}
      </Text>
      {hold.decision_note && (
        <Text size="sm" fs="italic">
          {hold.decision_note}
        </Text>
      )}
    </div>
  );
}
