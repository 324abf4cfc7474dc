import { Button, Popover, SegmentedControl, Stack, Text, useMantineColorScheme } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { SessionView } from '../api/schema';
import { PersonIcon } from '../ui/icons';
import { LanguageChoice } from './LanguageChoice';
import { useSignOut } from './useSignOut';

/** Who is signed in, how they like it, and the ways out. */
export function UserMenu({ session }: { session: SessionView }) {
  const { t } = useTranslation();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const signOut = useSignOut();
  return (
    <Popover position="bottom-end" width={250} trapFocus returnFocus>
      <Popover.Target>
        <Button variant="default" size="sm" leftSection={<PersonIcon />} loading={signOut.isPending}>
          {session.login}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label={session.login}>
        <Stack gap="xs">
          <Text size="sm" c="dimmed">
            {t(`role.${session.role}`)}
          </Text>
          <LanguageChoice />
          <SegmentedControl
            aria-label={t('session.colours')}
            size="xs"
            fullWidth
            value={colorScheme}
            onChange={(scheme) => setColorScheme(scheme as typeof colorScheme)}
            data={(['auto', 'light', 'dark'] as const).map((value) => ({ value, label: t(`colours.${value}`) }))}
          />
          <Button variant="default" onClick={() => signOut.mutate(false)}>
            {t('session.sign_out')}
          </Button>
          <Button variant="subtle" onClick={() => signOut.mutate(true)}>
            {t('session.sign_out_everywhere')}
          </Button>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}
