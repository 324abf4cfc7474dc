import { Alert, Code, CopyButton, Group, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { CopyAction } from '../common/ui/CopyAction';

/** A password that was made, shown this once. */
export function Password({ login, password }: { login: string; password: string }) {
  const { t } = useTranslation();
  return (
    <Alert color="green" variant="outline" title={t('password.made', { login })}>
      <Group gap="xs">
        <Code>{password}</Code>
        <CopyButton value={password}>{({ copied, copy }) => <CopyAction copied={copied} copy={copy} />}</CopyButton>
      </Group>
      <Text size="sm" mt={4}>
        {t('password.once')}
      </Text>
    </Alert>
  );
}
