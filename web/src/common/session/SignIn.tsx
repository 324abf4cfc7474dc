import { Button, Center, Paper, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { answerOf, api } from '../api/client';
import { fieldErrors } from '../api/problem';
import { PageTitle } from '../ui/PageTitle';
import { ProblemNote } from '../ui/ProblemNote';
import { LanguageChoice } from './LanguageChoice';
import { SESSION } from './session';

export function SignIn({ title }: { title: string }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const form = useForm({
    initialValues: { login: '', password: '' },
    validate: {
      login: (login) => (login.trim() ? null : t('session.login_missing')),
      password: (password) => (password ? null : t('session.password_missing')),
    },
  });
  const signIn = useMutation({
    mutationFn: (body: typeof form.values) => answerOf(api.POST('/api/session', { body })),
    onSuccess: (session) => client.setQueryData(SESSION, session),
    onError(error) {
      form.setErrors(fieldErrors(error));
      document.getElementById('password')?.focus();
    },
  });
  return (
    <Center component="main" mih="85vh">
      <Paper withBorder p="xl" w="100%" maw={380} radius="lg">
        <form onSubmit={form.onSubmit((body) => signIn.mutate(body))} noValidate>
          <Stack>
            <Text fw={700} c="dimmed">
              {title}
            </Text>
            <PageTitle title={t('session.sign_in')} />
            {signIn.error && <ProblemNote error={signIn.error} />}
            <TextInput
              label={t('customer.login')}
              autoComplete="username"
              autoCapitalize="none"
              spellCheck={false}
              data-autofocus
              {...form.getInputProps('login')}
            />
            <PasswordInput
              id="password"
              label={t('session.password')}
              autoComplete="current-password"
              visibilityToggleButtonProps={{ 'aria-label': t('session.show_password') }}
              {...form.getInputProps('password')}
            />
            <Button type="submit" loading={signIn.isPending}>
              {t('session.sign_in')}
            </Button>
            <LanguageChoice />
          </Stack>
        </form>
      </Paper>
    </Center>
  );
}
