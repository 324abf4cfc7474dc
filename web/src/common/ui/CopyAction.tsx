import { Button } from '@mantine/core';
import { useTranslation } from 'react-i18next';

export function CopyAction({ copied, copy }: { copied: boolean; copy: () => void }) {
  const { t } = useTranslation();
  return (
    <Button size="compact-sm" variant="default" onClick={copy}>
      {t(copied ? 'action.copied' : 'action.copy')}
    </Button>
  );
}
