import { Anchor, Stack } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import { PageTitle } from './PageTitle';

export function NotFound() {
  const { t } = useTranslation();
  return (
    <Stack align="flex-start">
      <PageTitle title={t('page.not_found')} />
      <Anchor component={Link} href="/">
        {t('page.home')}
      </Anchor>
    </Stack>
  );
}
