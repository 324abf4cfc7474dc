import { useTranslation } from 'react-i18next';
import { Route, Switch } from 'wouter';
import { $api } from '../common/api/client';
import type { SessionView } from '../common/api/schema';
import { DeskContext } from '../common/conversation/desk';
import { useLive } from '../common/live/useLive';
import { Amount } from '../common/money/Amount';
import { SignedIn } from '../common/session/SignedIn';
import { isStaff } from '../common/session/session';
import { Boundary } from '../common/ui/Boundary';
import { Header } from '../common/ui/Header';
import { NotFound } from '../common/ui/NotFound';
import { Balance } from './balance/Balance';
import { desk } from './desk';
import { Order } from './order/Order';
import { Orders } from './orders/Orders';
import { Ticket } from './tickets/Ticket';
import { Tickets } from './tickets/Tickets';

/** The customer's personal area: `/...`. */
export function App() {
  const { t } = useTranslation();
  return (
    <Boundary>
      <SignedIn welcomes={({ role }) => !isStaff(role)} title={t('site.portal')} other="/admin/">
        {(session) => <Site session={session} />}
      </SignedIn>
    </Boundary>
  );
}

function Site({ session }: { session: SessionView }) {
  const { t } = useTranslation();
  const { connected } = useLive('/api/portal/live', session.login);
  const places = [
    { to: '/', name: t('place.my_orders') },
    { to: '/balance', name: t('place.balance'), badge: <MyBalance /> },
    { to: '/tickets', name: t('place.my_tickets'), badge: <Answered /> },
  ];
  return (
    <DeskContext value={desk}>
      <Header title={t('site.portal')} places={places} connected={connected} session={session} />
      <main id="main" tabIndex={-1}>
        <Boundary>
          <Switch>
            <Route path="/" component={Orders} />
            <Route path="/orders/:number">{({ number }) => <Order key={number} number={number} />}</Route>
            <Route path="/balance" component={Balance} />
            <Route path="/tickets" component={Tickets} />
            <Route path="/tickets/:id">{({ id }) => <Ticket key={id} id={id} />}</Route>
            <Route component={NotFound} />
          </Switch>
        </Boundary>
      </main>
    </DeskContext>
  );
}

function MyBalance() {
  const { data } = $api.useQuery('get', '/api/portal/balance');
  return data ? <Amount minor={data.balance_minor} currency={data.currency} /> : null;
}

/** Conversations with an answer of the shop that I have not read, live. */
function Answered() {
  const { t } = useTranslation();
  const { data } = $api.useQuery('get', '/api/portal/ticket-counts');
  if (!data?.answered) return null;
  return (
    <span className="oval new" title={t('tickets.answered_count', { count: data.answered })}>
      {data.answered}
      <span className="visually-hidden"> {t('tickets.answered_count', { count: data.answered })}</span>
    </span>
  );
}
