import { SegmentedControl } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { choose, type Language, languages } from '../text/i18n';

export function LanguageChoice() {
  const { t, i18n } = useTranslation();
  return (
    <SegmentedControl
      aria-label={t('session.language')}
      size="xs"
      fullWidth
      value={i18n.language}
      onChange={(language) => choose(language as Language)}
      data={Object.entries(languages).map(([value, label]) => ({ value, label }))}
    />
  );
}
