import { Alert } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { OrderPage } from '../api/schema';

/** Which part of the page is missing, because its service cannot be reached. */
export function Unavailable({ page }: { page: OrderPage }) {
  const { t } = useTranslation();
  return page.unavailable.map((service) => (
    <Alert key={service} color="yellow" variant="outline" role="alert" title={t(`unavailable.${service}`)} />
  ));
}

/** Nobody tells when a service is back, or when the books agree again, so it is asked for. */
export const askWhileUnavailable = ({ state: { data } }: { state: { data?: OrderPage } }) =>
  data?.unavailable.length ? 3_000 : data?.findings.length ? 30_000 : false;
