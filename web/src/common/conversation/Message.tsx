import { Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { MessageView } from '../api/schema';
import { Amount } from '../money/Amount';
import { formatMoment } from '../text/dates';
import { findLinks } from '../text/links';
import { useDesk } from './desk';

export function Message({ message }: { message: MessageView }) {
  const desk = useDesk();
  if (message.operation) return <OperationLine message={message} />;
  return (
    <li className={message.author === desk.author ? 'message mine' : 'message'}>
      <By message={message} />
      <Words text={message.text} />
    </li>
  );
}

function By({ message }: { message: MessageView }) {
  const { t } = useTranslation();
  return (
    <div className="by">
      <strong>{message.author_login ?? t(`author.${message.author}`)}</strong>
      <time dateTime={message.at}>{formatMoment(message.at)}</time>
    </div>
  );
}

/** Text stays text; addresses become links that know nothing of this page. */
function Words({ text }: { text: string }) {
  return (
    <div className="words">
      {findLinks(text).map((piece, place) =>
        'link' in piece ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of one text never move
          <a key={place} href={piece.link} target="_blank" rel="noopener noreferrer nofollow">
            {piece.link}
          </a>
        ) : (
          piece.text
        ),
      )}
    </div>
  );
}

/** Money that moved for the order, told by the system. */
function OperationLine({ message }: { message: MessageView }) {
  const { t } = useTranslation();
  const operation = message.operation as NonNullable<MessageView['operation']>;
  return (
    <li className="message operation">
      <Text size="sm">
        {t(`operation.${operation.kind}`)} <Amount minor={operation.amount_minor} currency={operation.currency} />
      </Text>
      <div className="by">
        <time dateTime={message.at}>{formatMoment(message.at)}</time>
      </div>
    </li>
  );
}
