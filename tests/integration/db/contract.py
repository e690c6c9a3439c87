"""The contract queries. Verbatim: users have these in their dashboards."""

OF_ONE_ALERT = """
SELECT * FROM alert_processing_audit
WHERE alert_fingerprint = 'mem-pressure-prod-123'
ORDER BY completed_at DESC
"""
ACCURACY = """
SELECT environment, AVG(confidence), COUNT(*)
FROM alert_processing_audit
WHERE completed_at > NOW() - INTERVAL '7 days'
GROUP BY environment
"""
SLOW = """
SELECT * FROM alert_processing_audit
WHERE (processing_phases->0->>'duration')::interval > INTERVAL '2 seconds'
ORDER BY (processing_phases->0->>'duration')::interval DESC
"""
# The equivalent of SLOW that an index answers, as docs/schema.md has it.
SLOW_BY_NUMBER = """
SELECT * FROM alert_processing_audit
WHERE (processing_phases->0->>'durationNs')::bigint > 2000000000
ORDER BY (processing_phases->0->>'durationNs')::bigint DESC
"""
