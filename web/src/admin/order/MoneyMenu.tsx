import { ActionIcon, Menu, Text } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { answerOf, api } from '../../common/api/client';
import type { OrderPage } from '../../common/api/schema';
import { figuresOf, whyNotPay } from '../../common/order/figures';
import { PayQuestion } from '../../common/order/PayQuestion';
import { GearIcon } from '../../common/ui/icons';
import { MoveMoney } from '../customers/MoveMoney';

type Doing = 'deposit' | 'withdraw' | 'pay' | null;

/** The gear beside the balance. */
export function MoneyMenu({ page, refresh }: { page: OrderPage; refresh: () => Promise<OrderPage | undefined> }) {
  const { t } = useTranslation();
  const [doing, setDoing] = useState<Doing>(null);
  const close = () => setDoing(null);
  const { money_actions: may } = page.customer;
  const why = whyNotPay(page);
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="subtle" ml={6} aria-label={t('money.menu')} title={t('money.menu')}>
            <GearIcon />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item disabled={!may.includes('deposit')} onClick={() => setDoing('deposit')}>
            {t('money.deposit')}
          </Menu.Item>
          <Menu.Item disabled={!may.includes('withdraw')} onClick={() => setDoing('withdraw')}>
            {t('money.withdraw')}
          </Menu.Item>
          {why !== 'nothing_remains' && (
            <Menu.Item disabled={why !== null} onClick={() => setDoing('pay')}>
              {t('pay.action')}
              {why && (
                <Text size="xs" maw={230}>
                  {t(`pay.why_not.${why}`)}
                </Text>
              )}
            </Menu.Item>
          )}
        </Menu.Dropdown>
      </Menu>
      {(doing === 'deposit' || doing === 'withdraw') && (
        <MoveMoney
          kind={doing}
          customer={page.customer}
          currency={page.currency}
          available={figuresOf(page)?.available ?? null}
          onClose={close}
        />
      )}
      {doing === 'pay' && (
        <PayQuestion
          page={page}
          refresh={refresh}
          onClose={close}
          pay={(body, key) =>
            answerOf(
              api.POST('/api/admin/orders/{number}/payments', {
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
