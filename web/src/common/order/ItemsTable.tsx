import { Table, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { ItemView, OrderPage } from '../api/schema';
import { Amount } from '../money/Amount';
import { Panel } from '../ui/Panel';
import { Status } from '../ui/Status';

/** The order's lines; `actions` is what the person can do with one. */
export function ItemsTable({ page, actions }: { page: OrderPage; actions: (item: ItemView) => ReactNode }) {
  const { t } = useTranslation();
  return (
    <Panel title={t('order.items')} flush>
      <div className="rows">
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('item.line')}</Table.Th>
              <Table.Th>{t('item.title')}</Table.Th>
              <Table.Th>{t('item.status')}</Table.Th>
              <Table.Th className="amount">{t('item.unit_price')}</Table.Th>
              <Table.Th className="amount">{t('item.quantity')}</Table.Th>
              <Table.Th className="amount">{t('item.total')}</Table.Th>
              <Table.Td />
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {page.items.map((item) => (
              <Table.Tr key={item.line} data-line={item.line}>
                <Table.Td data-label={t('item.line')}>{item.line}</Table.Td>
                <Table.Td data-label={t('item.title')}>
                  <div>
                    {item.title}
                    <Text size="xs" c="dimmed">
                      {item.sku}
                    </Text>
                  </div>
                </Table.Td>
                <Table.Td data-label={t('item.status')}>
                  <Status of={item.status} />
                </Table.Td>
                <Table.Td className="amount" data-label={t('item.unit_price')}>
                  <Amount minor={item.unit_price_minor} currency={page.currency} />
                </Table.Td>
                <Table.Td className="amount" data-label={t('item.quantity')}>
                  {item.quantity}
                </Table.Td>
                <Table.Td className="amount" data-label={t('item.total')}>
                  <Amount minor={item.total_minor} currency={page.currency} />
                </Table.Td>
                <Table.Td className="amount">{actions(item)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </div>
    </Panel>
  );
}
