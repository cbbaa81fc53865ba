# syntax=docker/dockerfile:1
# One image for every role and command: docker run exm-dispatch worker primary

FROM node:20-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src src
COPY workflows workflows
COPY activities activities
COPY workers workers
RUN npm run build

FROM node:20-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts

FROM node:20-slim
# Temporal's client takes the authorities it trusts from the system.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && install -d -o node -g node /data /data/journal /work
# Without the last two glibc keeps memory for each of the many threads of Temporal's SDK, and V8 for what is short-lived.
ENV NODE_ENV=production EXM_DATA_DIR=/data MALLOC_ARENA_MAX=2 NODE_OPTIONS=--max-semi-space-size=4
COPY --from=dependencies /app/node_modules /app/node_modules
COPY --from=build /app/dist /app/dist
COPY package.json /app/
COPY bin /app/bin
COPY src/db/migrations /app/src/db/migrations
USER node
# Files named on the command line, and exm.config.ts, are those of the directory mounted here.
WORKDIR /work
ENTRYPOINT ["node", "/app/bin/exm.js"]
CMD ["--help"]
