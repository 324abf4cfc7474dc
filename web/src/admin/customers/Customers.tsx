import { Anchor, Button, Group, Stack, Table, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { keepPreviousData } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import { $api } from '../../common/api/client';
import { byCursor } from '../../common/api/queries';
import type { CustomerView } from '../../common/api/schema';
import { Answer, Lines } from '../../common/ui/Answer';
import { SearchIcon } from '../../common/ui/icons';
import { More } from '../../common/ui/More';
import { Nothing } from '../../common/ui/Nothing';
import { PageTitle } from '../../common/ui/PageTitle';
import { useTyped } from '../../common/ui/useTyped';
import { NewCustomer } from './NewCustomer';

export function Customers() {
  const { t } = useTranslation();
  const { typed, wanted, type } = useTyped('q');
  const [making, make] = useDisclosure();
  const query = $api.useInfiniteQuery(
    'get',
    '/api/admin/customers',
    { params: { query: { limit: 50, ...(wanted && { q: wanted }) } } },
    {
      ...byCursor,
      placeholderData: keepPreviousData,
    },
  );
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <PageTitle title={t('place.customers')} />
        <Button onClick={make.open}>{t('customers.new')}</Button>
      </Group>
      <TextInput
        type="search"
        label={t('customers.search')}
        placeholder={t('customers.search_hint')}
        leftSection={<SearchIcon />}
        maxLength={200}
        value={typed}
        onChange={(event) => type(event.currentTarget.value)}
      />
      <div className="panel flush" aria-busy={query.isPlaceholderData}>
        <Answer query={query} skeleton={<Lines count={10} />}>
          {({ pages }) => {
            const customers = pages.flatMap((part) => part.items);
            if (!customers.length) return <Nothing>{t(wanted ? 'customers.none_found' : 'customers.none')}</Nothing>;
            return <CustomerTable customers={customers} />;
          }}
        </Answer>
        <More query={query} />
      </div>
      {making && <NewCustomer onClose={make.close} />}
    </Stack>
  );
}

function CustomerTable({ customers }: { customers: CustomerView[] }) {
  const { t } = useTranslation();
  return (
    <div className="rows">
      <Table highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('customer.name')}</Table.Th>
            <Table.Th>{t('customer.login')}</Table.Th>
            <Table.Th>{t('customer.phone')}</Table.Th>
            <Table.Th>{t('customer.email')}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {customers.map((customer) => (
            <Table.Tr key={customer.id}>
              <Table.Td data-label={t('customer.name')}>
                <Anchor component={Link} href={`/customers/${customer.id}`} fw={600} inherit>
                  {customer.name}
                </Anchor>
              </Table.Td>
              <Table.Td data-label={t('customer.login')}>{customer.login}</Table.Td>
              <Table.Td data-label={t('customer.phone')}>{customer.phone}</Table.Td>
              <Table.Td data-label={t('customer.email')}>{customer.email}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}
