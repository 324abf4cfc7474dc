import { PasswordInput, Stack, Switch } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { answerOf, api } from '../../common/api/client';
import { fieldErrors } from '../../common/api/problem';
import type { StaffView } from '../../common/api/schema';
import { Dialog } from '../../common/ui/Dialog';
import { FormButtons } from '../../common/ui/FormButtons';
import { ProblemNote } from '../../common/ui/ProblemNote';
import { RoleSelect, type StaffRole } from './RoleSelect';

const SHORTEST_PASSWORD = 8;

/** Another role, a new password, or no way in any more; the last two end the person's sessions. */
export function ChangeStaff({ member, onClose }: { member: StaffView; onClose: () => void }) {
  const { t } = useTranslation();
  const form = useForm({
    initialValues: { role: member.role as StaffRole, password: '', disabled: member.disabled },
    validate: {
      password: (password) =>
        password && password.length < SHORTEST_PASSWORD
          ? t('staff.password_short', { count: SHORTEST_PASSWORD })
          : null,
    },
  });
  const changing = useMutation({
    mutationFn: ({ role, password, disabled }: typeof form.values) =>
      answerOf(
        api.PATCH('/api/admin/staff/{login}', {
          params: { path: { login: member.login } },
          body: { role, disabled, password: password || null },
        }),
      ),
    onSuccess: onClose,
    onError: (error) => form.setErrors(fieldErrors(error)),
  });
  return (
    <Dialog busy={changing.isPending} onClose={onClose} title={t('staff.change_title', { login: member.login })}>
      <form noValidate onSubmit={form.onSubmit((wanted) => changing.mutate(wanted))}>
        <Stack>
          <RoleSelect data-autofocus {...form.getInputProps('role')} />
          <PasswordInput
            label={t('staff.new_password')}
            description={t('staff.new_password_why')}
            autoComplete="new-password"
            visibilityToggleButtonProps={{ 'aria-label': t('session.show_password') }}
            {...form.getInputProps('password')}
          />
          <Switch
            label={t('staff.disable')}
            description={t('staff.disable_why')}
            {...form.getInputProps('disabled', { type: 'checkbox' })}
          />
          {changing.error && !Object.keys(form.errors).length && <ProblemNote error={changing.error} />}
          <FormButtons busy={changing.isPending} onCancel={onClose}>
            {t('action.save')}
          </FormButtons>
        </Stack>
      </form>
    </Dialog>
  );
}
