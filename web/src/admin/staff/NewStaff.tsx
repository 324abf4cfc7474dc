import { Button, Group, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { answerOf, api } from '../../common/api/client';
import { useIntent } from '../../common/api/intent';
import { fieldErrors } from '../../common/api/problem';
import { Dialog } from '../../common/ui/Dialog';
import { FormButtons } from '../../common/ui/FormButtons';
import { ProblemNote, useProblemText } from '../../common/ui/ProblemNote';
import { Password } from '../Password';
import { RoleSelect, type StaffRole } from './RoleSelect';

/** A login for somebody of the staff; the password is made, and shown once. */
export function NewStaff({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const intent = useIntent();
  const textOf = useProblemText();
  const form = useForm({
    initialValues: { login: '', role: 'operator' as StaffRole },
    validate: {
      login: (login) => (/^[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}$/.test(login) ? null : t('customers.login_wrong')),
    },
  });
  const making = useMutation({
    mutationFn: (body: typeof form.values) =>
      answerOf(api.POST('/api/admin/staff', { params: { header: { 'Idempotency-Key': intent.keyFor(body) } }, body })),
    onError: (error) => form.setErrors(fieldErrors(error, { login_taken: 'login' }, textOf)),
  });
  return (
    <Dialog busy={making.isPending} onClose={onClose} title={t('staff.new')}>
      {making.data ? (
        <Stack>
          {making.data.password && <Password login={making.data.login} password={making.data.password} />}
          <Group justify="flex-end">
            <Button onClick={onClose}>{t('action.close')}</Button>
          </Group>
        </Stack>
      ) : (
        <form noValidate onSubmit={form.onSubmit((body) => making.mutate(body))}>
          <Stack>
            <TextInput
              label={t('customer.login')}
              data-autofocus
              maxLength={100}
              spellCheck={false}
              {...form.getInputProps('login')}
            />
            <RoleSelect {...form.getInputProps('role')} />
            {making.error && !Object.keys(form.errors).length && <ProblemNote error={making.error} />}
            <FormButtons busy={making.isPending} onCancel={onClose}>
              {t('staff.make')}
            </FormButtons>
          </Stack>
        </form>
      )}
    </Dialog>
  );
}
