"""Airflow: one run a day of the sweep, for the logical date; a backfill runs earlier dates one after another.

Needs apache-airflow-providers-apache-spark and a connection spark_default. A run that is killed or retried goes on where it was.
"""

from datetime import datetime, timedelta

from airflow import DAG
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator

with DAG(
    dag_id="uncurl_sweep",
    schedule="30 0 * * *",
    start_date=datetime(2026, 11, 1),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=10)},
) as dag:
    SparkSubmitOperator(
        task_id="sweep",
        conn_id="spark_default",
        name="uncurl-sweep",
        application="/srv/uncurl/jobs/target/uncurl.jar",
        java_class="dev.uncurl.jobs.Uncurl",
        application_args=[
            "sweep",
            "--config", "sweep/nightly",
            "--as-of", "{{ ds }}",
            "--warehouse", "hdfs:///uncurl/warehouse",
        ],
        properties_file="/srv/uncurl/conf/spark/standalone.conf",
        execution_timeout=timedelta(hours=7),
    )
