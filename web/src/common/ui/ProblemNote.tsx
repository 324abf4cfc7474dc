import { Alert, Button, Group } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { NoAnswer, Refused } from '../api/problem';

/** What went wrong, in the person's language where we have words for the code, else in the server's. */
export function useProblemText(): (error: unknown) => string {
  const { t, i18n } = useTranslation();
  return (error) => {
    if (error instanceof NoAnswer) return t('problem.no_answer');
    if (!(error instanceof Refused)) return t('problem.bug');
    const key = `problem.code.${error.problem.code}`;
    return i18n.exists(key) ? i18n.t(key as 'problem.bug') : error.problem.detail;
  };
}

/** A failure where its result would have been; `retry` where trying again can help. */
export function ProblemNote({ error, retry }: { error: unknown; retry?: () => void }) {
  const { t } = useTranslation();
  const text = useProblemText();
  const { code, status = 0, correlation_id: id } = error instanceof Refused ? error.problem : {};
  return (
    <Alert color="red" variant="outline" role="alert" title={text(error)}>
      <Group gap="sm">
        {code && <code>{code}</code>}
        {status >= 500 && id && <span>{t('problem.reference', { id })}</span>}
        {retry && (
          <Button size="compact-sm" variant="default" onClick={retry}>
            {t('action.try_again')}
          </Button>
        )}
      </Group>
    </Alert>
  );
}
