/** Before each test file: CDK validates every synthesized template for seconds, which one test (packaging) does for all. */
process.env['CDK_VALIDATION'] ??= 'false';
