package dev.uncurl.jobs;
public final class Uncurl { public static void main(String[] a) { System.out.println(org.apache.spark.sql.SparkSession.builder().appName("x").getOrCreate().version()); } }
