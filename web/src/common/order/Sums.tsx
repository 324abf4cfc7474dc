import { useTranslation } from 'react-i18next';
import type { OrderPage } from '../api/schema';
import { Amount } from '../money/Amount';
import { formatMoment } from '../text/dates';
import { Panel } from '../ui/Panel';

/** What the order costs, and what of it is paid. */
export function Sums({ page }: { page: OrderPage }) {
  const { t } = useTranslation();
  const amount = (minor: number) => <Amount minor={minor} currency={page.currency} />;
  return (
    <Panel title={t('order.sums')}>
      <dl className="facts">
        <dt>{t('order.placed_at')}</dt>
        <dd>
          <time dateTime={page.placed_at}>{formatMoment(page.placed_at)}</time>
        </dd>
        <dt>{t('order.subtotal')}</dt>
        <dd>{amount(page.subtotal_minor)}</dd>
        <dt>{t('order.delivery')}</dt>
        <dd>{amount(page.delivery_minor)}</dd>
        <dt className="strong">{t('order.total')}</dt>
        <dd className="strong">{amount(page.total_minor)}</dd>
        <dt>{t('order.paid')}</dt>
        <dd>{amount(page.paid_minor)}</dd>
        <dt className="strong">{t('order.remaining')}</dt>
        <dd className="strong">{amount(page.remaining_minor)}</dd>
      </dl>
    </Panel>
  );
}
