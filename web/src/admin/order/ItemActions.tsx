import { ActionIcon, Menu } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ItemStatus, ItemView, OrderPage } from '../../common/api/schema';
import { DotsIcon } from '../../common/ui/icons';
import { ChangeItem } from './ChangeItem';

export type Change = 'price' | 'quantity' | ItemStatus;

const changes: Record<string, Change> = { set_price: 'price', set_quantity: 'quantity' };

/** What staff may do with an item: the server says what. */
export function ItemActions({
  page,
  item,
  show,
}: {
  page: OrderPage;
  item: ItemView;
  show: (page: OrderPage) => void;
}) {
  const { t } = useTranslation();
  const [change, setChange] = useState<Change | null>(null);
  const possible = item.actions.map((action) => changes[action] ?? (action as ItemStatus));
  if (!possible.length) return null;
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="subtle" aria-label={t('item.change', { line: item.line })}>
            <DotsIcon />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {possible.map((each) => (
            <Menu.Item key={each} onClick={() => setChange(each)}>
              {each === 'price' || each === 'quantity'
                ? t(`item.set_${each}`)
                : t('item.set_status', { status: t(`status.${each}`) })}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      {change && <ChangeItem page={page} item={item} change={change} show={show} onClose={() => setChange(null)} />}
    </>
  );
}
