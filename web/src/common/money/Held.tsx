import { useTranslation } from 'react-i18next';
import { Amount } from './Amount';

/** Beside a balance: how much of it waits to be withdrawn; nothing where nothing does. */
export function Held({ minor, currency }: { minor: number | null; currency: string }) {
  const { t } = useTranslation();
  if (!minor) return null;
  return (
    <>
      {' '}
      ({t('customer.held')} <Amount minor={minor} currency={currency} />)
    </>
  );
}
