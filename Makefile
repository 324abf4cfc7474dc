# `make help` lists what there is: every target says in its `##` what it does.
.DEFAULT_GOAL := help
.PHONY: help up down reset status logs

# Makes or renews the environment when the lock has changed; otherwise it costs nothing.
purser = deploy/bootstrap && .purser/venv/bin/purser

help: ## this list
	@awk -F ' ## ' '/^[a-z]+:.* ## / { sub(/:.*/, "", $$1); printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: ## start everything and print the address and the logins (PURSER_PORT, PURSER_CURRENCY, PURSER_DEMO_PASSWORD)
	@$(purser) up

down: ## stop everything; the data stays
	@$(purser) down

reset: ## stop everything and forget the data and the secrets
	@$(purser) reset

status: ## each process: ready or why not, since when, how much memory
	@$(purser) status

logs: ## follow the logs, all or one: make logs SERVICE=billing-api
	@$(purser) logs $(SERVICE)
