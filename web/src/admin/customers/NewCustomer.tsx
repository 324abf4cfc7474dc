import { Button, Group, Stack, Textarea, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { useLocation } from 'wouter';
import { answerOf, api } from '../../common/api/client';
import { useIntent } from '../../common/api/intent';
import { fieldErrors } from '../../common/api/problem';
import { Dialog } from '../../common/ui/Dialog';
import { FormButtons } from '../../common/ui/FormButtons';
import { ProblemNote, useProblemText } from '../../common/ui/ProblemNote';
import { Password } from '../Password';

/** A customer who can sign in; their password is made, and shown once. */
export function NewCustomer({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const [, go] = useLocation();
  const client = useQueryClient();
  const intent = useIntent();
  const textOf = useProblemText();
  const form = useForm({
    initialValues: { login: '', name: '', phone: '', email: '', shipping_address: '' },
    validate: {
      login: (login) => (/^[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}$/.test(login) ? null : t('customers.login_wrong')),
      name: (name) => (name.trim() ? null : t('customers.name_missing')),
      email: (email) => (/^[^@\s]+@[^@\s]+$/.test(email) ? null : t('customers.email_wrong')),
    },
  });
  const making = useMutation({
    mutationFn: (body: typeof form.values) =>
      answerOf(
        api.POST('/api/admin/customers', { params: { header: { 'Idempotency-Key': intent.keyFor(body) } }, body }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: ['get', '/api/admin/customers'] }),
    onError: (error) => form.setErrors(fieldErrors(error, { login_taken: 'login' }, textOf)),
  });
  const made = making.data;
  if (made) {
    return (
      <Dialog onClose={onClose} title={made.name}>
        <Stack>
          {made.password && <Password login={made.login} password={made.password} />}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              {t('action.close')}
            </Button>
            <Button onClick={() => go(`/customers/${made.id}`)}>{t('customers.open')}</Button>
          </Group>
        </Stack>
      </Dialog>
    );
  }
  return (
    <Dialog busy={making.isPending} onClose={onClose} title={t('customers.new')}>
      <form noValidate onSubmit={form.onSubmit((body) => making.mutate(body))}>
        <Stack>
          <TextInput label={t('customer.name')} data-autofocus maxLength={200} {...form.getInputProps('name')} />
          <TextInput label={t('customer.login')} maxLength={100} spellCheck={false} {...form.getInputProps('login')} />
          <TextInput label={t('customer.email')} type="email" maxLength={254} {...form.getInputProps('email')} />
          <TextInput label={t('customer.phone')} type="tel" maxLength={50} {...form.getInputProps('phone')} />
          <Textarea
            label={t('customer.address')}
            maxLength={500}
            autosize
            {...form.getInputProps('shipping_address')}
          />
          {making.error && !Object.keys(form.errors).length && <ProblemNote error={making.error} />}
          <FormButtons busy={making.isPending} onCancel={onClose}>
            {t('customers.make')}
          </FormButtons>
        </Stack>
      </form>
    </Dialog>
  );
}
