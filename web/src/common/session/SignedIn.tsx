import { Button, Center, Container, Group, Loader, Stack, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { whenSignedOut } from '../api/client';
import type { SessionView } from '../api/schema';
import { PageTitle } from '../ui/PageTitle';
import { ProblemNote } from '../ui/ProblemNote';
import { SignIn } from './SignIn';
import { SESSION, useSession } from './session';
import { useSignOut } from './useSignOut';

/** The site for whoever is signed in, if it is theirs; else the way in. The address stays, to be shown afterwards. */
export function SignedIn({
  welcomes,
  title,
  other,
  children,
}: {
  welcomes: (session: SessionView) => boolean;
  title: string;
  other: string;
  children: (session: SessionView) => ReactNode;
}) {
  const client = useQueryClient();
  const { data: session, error, refetch, isFetching } = useSession();
  useEffect(() => whenSignedOut(() => void client.invalidateQueries({ queryKey: SESSION })), [client]);
  useReloadForAnother(session);

  if (session === undefined) {
    return (
      <Container py="xl" size="sm">
        {error && !isFetching ? <ProblemNote error={error} retry={() => void refetch()} /> : <Waiting />}
      </Container>
    );
  }
  if (session === null) return <SignIn title={title} />;
  return welcomes(session) ? children(session) : <WrongSite session={session} other={other} />;
}

function Waiting() {
  const { t } = useTranslation();
  return (
    <Center mih="40vh">
      <Loader aria-label={t('page.loading')} />
    </Center>
  );
}

/** Somebody else signed in, in another tab: nothing of the former one's may stay on the page. */
function useReloadForAnother(session: SessionView | null | undefined): void {
  const shown = useRef<string | null>(null);
  useEffect(() => {
    if (shown.current && session && session.login !== shown.current) location.reload();
    if (session !== undefined) shown.current = session?.login ?? null;
  }, [session]);
}

function WrongSite({ session, other }: { session: SessionView; other: string }) {
  const { t } = useTranslation();
  const signOut = useSignOut();
  return (
    <Container component="main" size="xs" py="xl">
      <Stack>
        <PageTitle title={t('session.wrong_site')} />
        <Text>{t('session.wrong_site_why', { login: session.login })}</Text>
        <Group>
          <Button component="a" href={other}>
            {t('session.other_site')}
          </Button>
          <Button variant="default" loading={signOut.isPending} onClick={() => signOut.mutate(false)}>
            {t('session.sign_out')}
          </Button>
        </Group>
      </Stack>
    </Container>
  );
}
