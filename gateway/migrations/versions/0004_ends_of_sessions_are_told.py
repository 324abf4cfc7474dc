"""Every gateway hears at once that a session has ended, or that a login may do something else."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE FUNCTION tell_sessions_ended() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
        BEGIN
            PERFORM pg_notify('sessions_ended', OLD.login);
            RETURN NULL;
        END $$
    """)
    # What has expired needs no telling, and is deleted by the thousand.
    op.execute("""
        CREATE TRIGGER session_ended AFTER UPDATE OR DELETE ON sessions
        FOR EACH ROW WHEN (OLD.expires_at > now()) EXECUTE FUNCTION tell_sessions_ended()
    """)
    op.execute("""
        CREATE TRIGGER account_changed AFTER UPDATE OF role, customer_id, disabled ON accounts
        FOR EACH ROW WHEN ((OLD.role, OLD.customer_id, OLD.disabled) IS DISTINCT FROM
                           (NEW.role, NEW.customer_id, NEW.disabled))
        EXECUTE FUNCTION tell_sessions_ended()
    """)
