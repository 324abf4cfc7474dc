import { NativeSelect, type NativeSelectProps } from '@mantine/core';
import { useTranslation } from 'react-i18next';

export const ROLES = ['operator', 'financier', 'admin'] as const;
export type StaffRole = (typeof ROLES)[number];

export function RoleSelect(props: NativeSelectProps) {
  const { t } = useTranslation();
  const data = ROLES.map((value) => ({ value, label: t(`role.${value}`) }));
  return <NativeSelect label={t('staff.role')} description={t('staff.role_why')} data={data} {...props} />;
}
