import { Button, Group, Stack, Table } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { $api } from '../../common/api/client';
import { byCursor } from '../../common/api/queries';
import type { StaffView } from '../../common/api/schema';
import { Answer, Lines } from '../../common/ui/Answer';
import { More } from '../../common/ui/More';
import { PageTitle } from '../../common/ui/PageTitle';
import { ChangeStaff } from './ChangeStaff';
import { NewStaff } from './NewStaff';

/** The staff's logins: an admin's. */
export function Staff({ me }: { me: string }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState<StaffView | 'new' | null>(null);
  const query = $api.useInfiniteQuery('get', '/api/admin/staff', { params: { query: { limit: 50 } } }, byCursor);
  const close = () => {
    setOpen(null);
    void query.refetch();
  };
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <PageTitle title={t('place.staff')} />
        <Button onClick={() => setOpen('new')}>{t('staff.new')}</Button>
      </Group>
      <div className="panel flush">
        <Answer query={query} skeleton={<Lines count={4} />}>
          {({ pages }) => <StaffTable staff={pages.flatMap((part) => part.items)} me={me} change={setOpen} />}
        </Answer>
        <More query={query} />
      </div>
      {open === 'new' && <NewStaff onClose={close} />}
      {open && open !== 'new' && <ChangeStaff member={open} onClose={close} />}
    </Stack>
  );
}

function StaffTable({ staff, me, change }: { staff: StaffView[]; me: string; change: (member: StaffView) => void }) {
  const { t } = useTranslation();
  return (
    <div className="rows">
      <Table>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('customer.login')}</Table.Th>
            <Table.Th>{t('staff.role')}</Table.Th>
            <Table.Th>{t('staff.state')}</Table.Th>
            <Table.Td />
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {staff.map((member) => (
            <Table.Tr key={member.login}>
              <Table.Td data-label={t('customer.login')}>
                {member.login} {member.login === me && `(${t('staff.you')})`}
              </Table.Td>
              <Table.Td data-label={t('staff.role')}>{t(`role.${member.role}`)}</Table.Td>
              <Table.Td data-label={t('staff.state')}>
                {t(member.disabled ? 'staff.disabled' : 'staff.enabled')}
              </Table.Td>
              <Table.Td ta="right">
                <Button
                  variant="default"
                  size="compact-sm"
                  aria-label={t('staff.change_title', { login: member.login })}
                  onClick={() => change(member)}
                >
                  {t('staff.change')}
                </Button>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}
