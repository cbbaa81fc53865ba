// Imports go one way: cli, workers -> activities -> src/* -> src/domain, and workflows -> src/domain.
/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'domain-is-pure',
      comment: 'src/domain does no I/O: it imports nothing but itself.',
      severity: 'error',
      from: { path: '^src/domain/' },
      to: { pathNot: '^src/domain/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'workflows-are-deterministic',
      comment:
        'Workflow code takes values from src/domain, from itself and from the Temporal workflow API only.',
      severity: 'error',
      from: { path: '^workflows/' },
      to: {
        pathNot: ['^workflows/', '^src/domain/', '^node_modules/@temporalio/(workflow|common)/'],
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'src-does-not-know-its-users',
      comment:
        'Only the command line and the local starter reach up to workers; nothing in src/ imports activities.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/cli/' },
      to: { path: '^(workers|activities|src/cli)/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'activities-do-not-know-workers',
      severity: 'error',
      from: { path: '^activities/' },
      to: { path: '^(workers|src/cli|workflows)/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'workers-do-not-know-the-command-line',
      severity: 'error',
      from: { path: '^workers/' },
      to: { path: '^src/cli/' },
    },
    {
      name: 'no-dev-dependency-in-the-product',
      severity: 'error',
      from: { path: '^(src|workflows|activities|workers)/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
    { name: 'not-to-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
