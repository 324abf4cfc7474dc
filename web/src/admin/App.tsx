import { useTranslation } from 'react-i18next';
import { Redirect, Route, Router, Switch } from 'wouter';
import { $api } from '../common/api/client';
import type { SessionView } from '../common/api/schema';
import { DeskContext } from '../common/conversation/desk';
import { useLive } from '../common/live/useLive';
import { SignedIn } from '../common/session/SignedIn';
import { isStaff, movesMoney } from '../common/session/session';
import { Boundary } from '../common/ui/Boundary';
import { Header } from '../common/ui/Header';
import { NotFound } from '../common/ui/NotFound';
import { Customer } from './customers/Customer';
import { Customers } from './customers/Customers';
import { desk } from './desk';
import { Order } from './order/Order';
import { Orders } from './orders/Orders';
import { Staff } from './staff/Staff';
import { Ticket } from './tickets/Ticket';
import { Tickets } from './tickets/Tickets';
import { Withdrawals } from './withdrawals/Withdrawals';

/** The staff's site: `/admin/...`. */
export function App() {
  const { t } = useTranslation();
  return (
    <Boundary>
      <SignedIn welcomes={({ role }) => isStaff(role)} title={t('site.admin')} other="/">
        {(session) => (
          <Router base="/admin">
            <Site session={session} />
          </Router>
        )}
      </SignedIn>
    </Boundary>
  );
}

function Site({ session }: { session: SessionView }) {
  const { t } = useTranslation();
  const { connected } = useLive('/api/admin/live', session.login);
  const places = [
    { to: '/orders', name: t('place.orders') },
    { to: '/customers', name: t('place.customers') },
    { to: '/tickets', name: t('place.tickets'), badge: <NewTickets /> },
    ...(movesMoney(session.role)
      ? [{ to: '/withdrawals', name: t('place.withdrawals'), badge: <WaitingWithdrawals /> }]
      : []),
    ...(session.role === 'admin' ? [{ to: '/staff', name: t('place.staff') }] : []),
  ];
  return (
    <DeskContext value={desk}>
      <Header title={t('site.admin')} places={places} connected={connected} session={session} />
      <main id="main" tabIndex={-1}>
        <Boundary>
          <Switch>
            <Route path="/">
              <Redirect to="/orders" replace />
            </Route>
            <Route path="/orders" component={Orders} />
            <Route path="/orders/:number">{({ number }) => <Order key={number} number={number} />}</Route>
            <Route path="/customers" component={Customers} />
            <Route path="/customers/:id">{({ id }) => <Customer key={id} id={id} />}</Route>
            <Route path="/tickets" component={Tickets} />
            <Route path="/tickets/:id">{({ id }) => <Ticket key={id} id={id} />}</Route>
            {movesMoney(session.role) && <Route path="/withdrawals" component={Withdrawals} />}
            {session.role === 'admin' && (
              <Route path="/staff">
                <Staff me={session.login} />
              </Route>
            )}
            <Route component={NotFound} />
          </Switch>
        </Boundary>
      </main>
    </DeskContext>
  );
}

/** New tickets of the whole shop, live. */
function NewTickets() {
  const { t } = useTranslation();
  const { data } = $api.useQuery('get', '/api/admin/ticket-counts');
  return data?.new ? <Badge count={data.new} meaning={t('tickets.new_count', { count: data.new })} /> : null;
}

/** Withdrawals that wait for somebody to approve them, live. */
function WaitingWithdrawals() {
  const { t } = useTranslation();
  const { data } = $api.useQuery('get', '/api/admin/hold-counts');
  if (!data?.waiting) return null;
  return <Badge count={data.waiting} meaning={t('holds.waiting_count', { count: data.waiting })} />;
}

function Badge({ count, meaning }: { count: number; meaning: string }) {
  return (
    <span className="oval new" title={meaning}>
      {count}
      <span className="visually-hidden"> {meaning}</span>
    </span>
  );
}
