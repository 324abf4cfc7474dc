# `make help` lists what there is: every target says in its `##` what it does.
.DEFAULT_GOAL := help
.PHONY: help up down reset status logs import secrets test acceptance faults failpoints replicas races mutants fuzz bench browser check format contracts lock audit sbom

# Makes or renews the environment when the lock has changed; otherwise it costs nothing.
purser = deploy/bootstrap && .purser/venv/bin/purser
bin = .purser/venv/bin

help: ## this list
	@awk -F ' ## ' '/^[a-z]+:.* ## / { sub(/:.*/, "", $$1); printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: ## start everything and print the addresses and the logins (PURSER_PORT, PURSER_CURRENCY, PURSER_DEMO_PASSWORD)
	@deploy/bootstrap && { deploy/sites || true; } && $(bin)/purser up

down: ## stop everything; the data stays
	@$(purser) down

reset: ## stop everything and forget the data and the secrets
	@$(purser) reset

status: ## each process: ready or why not, since when, how much memory
	@$(purser) status

logs: ## follow the logs, all or one: make logs SERVICE=billing-api
	@$(purser) logs $(SERVICE)

import: ## take orders from a CSV file into the running shop: make import FILE=orders.csv
	@$(purser) import $(FILE) $(ARGS)

secrets: ## make what `docker compose up -d --wait` needs and git must not have; run again, it changes nothing
	@deploy/bootstrap
	@$(bin)/python -m deploy.compose.making

test: ## run the tests on servers of their own (native, or in Docker where it has the images), then break it for 90 s
	@deploy/bootstrap
	@deploy/sites
	@deploy/npm test
	@$(bin)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder $(ARGS)
	$(if $(ARGS),,@$(bin)/python -m tests.faults --for 90s)

acceptance: ## try the shop that docker compose runs, as `make test` tries its own: end to end, and in a browser
	@deploy/bootstrap
	@deploy/npm --version >/dev/null  # what the browser tests look for faults of access with lies among the sites' packages
	PURSER_TEST_URL=http://$$(docker compose port gateway 8000) PURSER_TEST_SECRETS=.purser/compose/secrets \
	PURSER_TEST_DATABASES=$$(docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' \
		$$(docker compose ps --quiet postgres)):5432 \
	$(bin)/pytest $(or $(ARGS),tests/e2e tests/browser)

faults: ## break a private Purser for FOR=90s by the plan of SEED=number, and judge what is left
	@deploy/bootstrap
	@$(bin)/python -m tests.faults --for $(or $(FOR),90s) $(if $(SEED),--seed $(SEED)) $(ARGS)

failpoints: ## let a process die at each step of a payment and of a refund, TIMES=1 times, and judge what is left
	@deploy/bootstrap
	@$(bin)/python -m tests.faults.each_point --times $(or $(TIMES),1) $(ARGS)

replicas: ## two of everything, under load: leaders die and freeze, all is restarted, and nobody notices; how long each took
	@deploy/bootstrap
	@$(bin)/pytest --quiet --capture no tests/replicas

races: ## 2,000 races of payment with cancellation and with amendment each, and half as many double clicks (a few minutes)
	@deploy/bootstrap
	RACES=2000 $(bin)/pytest --capture no tests/sagas/test_races.py

mutants: ## take one mechanism away at a time: what must catch it goes red (NAME=one, LIST=1 to see them)
	@deploy/bootstrap
	@$(bin)/python -m tests.mutants $(if $(LIST),--list) $(NAME)

fuzz: ## try every route at random for longer, and differently each time: make fuzz FOR=60 (seconds for each interface)
	@deploy/bootstrap
	@PURSER_FUZZ_SECONDS=$(or $(FOR),60) $(bin)/pytest tests/fuzz/test_schemathesis.py $(ARGS)

bench: ## how fast it is, on a system of its own: all of benchmarks/, or NAME=payments; the figures go to benchmarks/RESULTS.md
	@deploy/bootstrap
	@$(bin)/python -m benchmarks $(NAME)

browser: ## get a Chromium for the browser tests, which are skipped without one
	@deploy/bootstrap
	@deploy/browser

check: ## format, lint, types, import rules, contracts and migrations in step, the lock, no registry hosts
	@deploy/bootstrap
	$(bin)/ruff format --check --quiet .
	$(bin)/ruff check --quiet .
	$(bin)/mypy
	$(bin)/lint-imports --no-cache
	@deploy/npm run --silent check
	deploy/lock --check
	@! git grep -nIE '"resolved": *"http|(index-url|registry) *=? *"?http|://[a-z.-]*(pypi|npmjs|pythonhosted)' || \
		{ echo 'a package registry is named above' >&2; exit 1; }
	$(bin)/pytest --quiet tests/contracts tests/migrations/test_migrations.py

format: ## put the code into its form
	@deploy/bootstrap
	$(bin)/ruff check --fix --quiet .
	$(bin)/ruff format .
	@deploy/npm run --silent format

contracts: ## write docs/openapi.json, docs/asyncapi.json, docs/settings.md and the broker's definitions from the code
	@deploy/bootstrap
	$(bin)/python -m gateway.openapi > docs/openapi.json
	$(bin)/python -m shared.asyncapi > docs/asyncapi.json
	$(bin)/python -m deploy.settings_table > docs/settings.md
	$(bin)/python -m shared.messaging > deploy/rabbitmq/definitions.json

audit: ## is any locked package known to be vulnerable? fails where it could not look
	@deploy/bootstrap
	@$(bin)/python -m deploy.known_parts

sbom: ## list every locked package as CycloneDX, in .purser/sbom
	@deploy/bootstrap
	@$(bin)/python -m deploy.known_parts sbom

lock: ## write requirements.lock from pyproject.toml
	@deploy/bootstrap
	deploy/lock
