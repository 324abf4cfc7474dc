import { Alert, List } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { FindingView, OrderPage } from '../../common/api/schema';
import { useMoney } from '../../common/money/Amount';
import { formatMoment } from '../../common/text/dates';

/** What does not add up about the order or its customer: nobody should act on figures that are wrong. */
export function Findings({ page }: { page: OrderPage }) {
  const { t } = useTranslation();
  if (!page.findings.length) return null;
  return (
    <Alert color="red.9" variant="filled" role="alert" title={t('findings.title')}>
      {t('findings.advice')}
      <List size="sm" mt="xs">
        {page.findings.map((finding) => (
          <List.Item key={finding.id}>
            <Finding finding={finding} currency={page.currency} />
          </List.Item>
        ))}
      </List>
    </Alert>
  );
}

function Finding({ finding, currency }: { finding: FindingView; currency: string }) {
  const { t, i18n } = useTranslation();
  const money = useMoney(currency);
  const figures = Object.entries(finding.figures).flatMap(([name, value]) => {
    const key = `findings.figure.${name}`;
    // Versions tell programs more than people.
    return typeof value === 'number' && i18n.exists(key) ? `${i18n.t(key as 'findings.title')} ${money(value)}` : [];
  });
  const since = t('findings.since', { moment: formatMoment(finding.first_seen_at) });
  return (
    <>
      {t(`findings.kind.${finding.kind}`)} {[...figures, since].join(', ')}.
    </>
  );
}
