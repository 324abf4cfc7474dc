import { useTranslation } from 'react-i18next';
import type { StatusCount } from '../api/schema';
import { Panel } from '../ui/Panel';
import { Status } from '../ui/Status';

/** How many items stand where: the status left, the number right. */
export function ItemCounts({ counts }: { counts: StatusCount[] }) {
  const { t } = useTranslation();
  return (
    <Panel title={t('order.item_counts')}>
      <dl className="facts">
        {counts.map(({ status, count }) => [
          <dt key={status}>
            <Status of={status} />
          </dt>,
          <dd key={`${status} count`} className="amount">
            {count}
          </dd>,
        ])}
      </dl>
    </Panel>
  );
}
