import { Anchor, Table, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import type { StatementView, TransferView } from '../api/schema';
import { formatMoment } from '../text/dates';
import { Nothing } from '../ui/Nothing';
import { Amount } from './Amount';

/** What the balance is made of: opening balance, every transfer, closing balance, and how much of it is held now. */
export function Statement({
  statement,
  held = 0,
  rest,
}: {
  statement: StatementView[];
  held?: number | undefined;
  rest: React.ReactNode;
}) {
  const { t } = useTranslation();
  const [first] = statement;
  const last = statement.at(-1);
  if (!first || !last) return null;
  const transfers = statement.flatMap((part) => part.items);
  if (!transfers.length) return <Nothing>{t('statement.empty')}</Nothing>;
  return (
    <div className="rows">
      <Table>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('statement.at')}</Table.Th>
            <Table.Th>{t('statement.reason')}</Table.Th>
            <Table.Th>{t('statement.note')}</Table.Th>
            <Table.Th className="amount">{t('statement.amount')}</Table.Th>
            <Table.Th className="amount">{t('statement.balance')}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          <Edge name={t('statement.opening')} minor={first.opening_minor} currency={first.currency} />
          {transfers.map((transfer) => (
            <Transfer key={transfer.id} transfer={transfer} currency={first.currency} />
          ))}
          {!last.next && <Edge name={t('statement.closing')} minor={last.closing_minor} currency={last.currency} />}
          {!last.next && held > 0 && <Edge name={t('statement.held')} minor={held} currency={last.currency} />}
        </Table.Tbody>
      </Table>
      {rest}
    </div>
  );
}

function Transfer({ transfer, currency }: { transfer: TransferView; currency: string }) {
  const { t } = useTranslation();
  return (
    <Table.Tr>
      <Table.Td data-label={t('statement.at')}>{formatMoment(transfer.at)}</Table.Td>
      <Table.Td data-label={t('statement.reason')}>
        <span>
          {t(`transfer.${transfer.kind}`)}{' '}
          {transfer.order_number && (
            <Anchor component={Link} href={`/orders/${transfer.order_number}`} inherit>
              {transfer.order_number}
            </Anchor>
          )}
          {transfer.line && ` ${t('statement.item', { line: transfer.line })}`}
        </span>
      </Table.Td>
      <Table.Td data-label={t('statement.note')}>
        {(transfer.note || transfer.staff_note || transfer.made_by) && (
          <div>
            {transfer.note}
            {transfer.staff_note && (
              <Text size="sm" fs="italic">
                {t('statement.staff_note', { note: transfer.staff_note })}
              </Text>
            )}
            {transfer.made_by && (
              <Text size="xs" c="dimmed">
                {transfer.made_by}
              </Text>
            )}
          </div>
        )}
      </Table.Td>
      <Table.Td className="amount" data-label={t('statement.amount')}>
        <Amount minor={transfer.amount_minor} currency={currency} />
      </Table.Td>
      <Table.Td className="amount" data-label={t('statement.balance')}>
        <Amount minor={transfer.balance_minor} currency={currency} />
      </Table.Td>
    </Table.Tr>
  );
}

function Edge({ name, minor, currency }: { name: string; minor: number; currency: string }) {
  return (
    <Table.Tr fw={600} className="edge">
      <Table.Td colSpan={4}>{name}</Table.Td>
      <Table.Td className="amount">
        <Amount minor={minor} currency={currency} />
      </Table.Td>
    </Table.Tr>
  );
}
