plugins {
    id("com.android.application")
    id("org.jetbrains.kotlin.android")
}

android {
    namespace = "org.cctzoo.sample"
    compileSdk = 36

    defaultConfig {
        applicationId = "org.cctzoo.sample"
        minSdk = 24
        targetSdk = 36
        versionCode = 1
        versionName = "1"
    }

    // The interpreter reads the model where it lies in the package.
    androidResources { noCompress += "tflite" }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }
}

kotlin { jvmToolchain(17) }

dependencies { implementation("com.google.ai.edge.litert:litert:2.1.4") }
